"""What may be crawled: ``sources.toml``, by name.

The file's format is a promise (``docs/sources.md``); a key it does not know is refused, so that a
misspelt limit is never silently without effect. The bundled ``demo`` is always there; a table
``[sources.demo]`` in the file overrides its fields. Relative paths are relative to the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from shared.messages import SourceName, Url
from shared.settings import Settings

DEFAULT_FILE = "sources.toml"
DEMO = "demo"
DEMO_DELAY_S = 0.01  # our own site on loopback: polite by being ours

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class SourceInvalid(ValueError):
    """A source cannot be used as configured; one line that names file, source and field."""


def _seconds(value: object) -> object:
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration such as "90s", "30m", "24h" or "7d" is wanted')
    return int(match.group(1)) * _UNITS_S[match.group(2)]


Duration = Annotated[int, BeforeValidator(_seconds)]


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: SourceName
    reviews_per_movie: Annotated[
        int, Field(ge=0, le=10_000, description="Most reviews kept of a movie; 0: all.")
    ] = 0
    every_s: Annotated[
        Duration | None, Field(alias="every", description="Crawl again this often.")
    ] = None


class SchemaOrgSource(_Source):
    """A web site that marks up its films and reviews with schema.org JSON-LD."""

    spider: Literal["schema_org"]
    start_urls: Annotated[
        tuple[Url, ...], Field(min_length=1, description="Sitemaps, or pages to begin at.")
    ]
    allow_private: Annotated[
        bool, Field(description="Whether the site may be on a private or loopback address.")
    ] = False
    delay_s: Annotated[
        float, Field(ge=0.01, le=300, description="Least pause between two requests.")
    ] = 1.0
    max_pages: Annotated[int, Field(ge=1, description="Most pages fetched in a crawl.")] = 50_000

    @field_validator("start_urls", mode="after")
    @classmethod
    def _with_host(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            parts = urlsplit(url)
            if not parts.hostname or parts.username or parts.password:
                raise ValueError("each must name a host, and no user or password")
        return urls

    @property
    def hosts(self) -> frozenset[str]:
        """``host`` or ``host:port`` of each start URL: all that the crawl may visit."""
        return frozenset(urlsplit(url).netloc.lower() for url in self.start_urls)


class DatasetSource(_Source):
    """A catalogue on disk: one file of movies, one of reviews."""

    spider: Literal["dataset"]
    movies: Path
    reviews: Path

    @field_validator("movies", "reviews", mode="after")
    @classmethod
    def _from_folder(cls, path: Path, info: ValidationInfo) -> Path:
        folder = (info.context or {}).get("folder", Path.cwd())
        if path.suffix not in {".parquet", ".csv", ".jsonl"}:
            raise ValueError("the file's name must end in .parquet, .csv or .jsonl")
        return Path(folder, path.expanduser())


Source = SchemaOrgSource | DatasetSource
_source: TypeAdapter[Source] = TypeAdapter(Annotated[Source, Field(discriminator="spider")])


def load_sources(settings: Settings, *, demo_url: str | None = None) -> dict[str, Source]:
    """All configured sources, by name.

    Args:
        settings: For the file's place and the demo site's port.
        demo_url: Where the demo site really listens, when that is not the configured port.

    Raises:
        SourceInvalid: the file cannot be read, or a source in it is not valid.
    """
    path = settings.sources
    if path is None and Path(DEFAULT_FILE).is_file():
        path = Path(DEFAULT_FILE).absolute()
    tables = read_tables(path) if path is not None else {}
    demo_url = demo_url or f"http://127.0.0.1:{settings.demo_site_port}"
    built_in = _demo(demo_url)
    override = tables.get(DEMO, built_in)
    if override.get("spider", "schema_org") == "schema_org":
        tables = {**tables, DEMO: {**built_in, **override}}
    return {name: _parse(name, table, path) for name, table in tables.items()}


def find_source(sources: Mapping[str, Source], name: str) -> Source:
    """The source of this name.

    Raises:
        SourceInvalid: there is none.
    """
    if name not in sources:
        raise SourceInvalid(f"source {name!r} is not configured; there are {', '.join(sources)}")
    return sources[name]


def read_tables(path: Path) -> dict[str, dict[str, Any]]:
    """The tables ``[sources.NAME]`` of a file.

    Raises:
        SourceInvalid: no such file, not TOML, or anything but tables of sources in it.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise SourceInvalid(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceInvalid(f"{path}: not TOML: {error}") from error
    strange = sorted(set(document) - {"sources"})
    if strange:
        raise SourceInvalid(f"{path}: {strange[0]}: unknown; sources are tables [sources.NAME]")
    tables = document.get("sources", {})
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise SourceInvalid(f"{path}: sources: each must be a table [sources.NAME]")
    return tables


def _demo(url: str) -> dict[str, Any]:
    return {
        "spider": "schema_org",
        "start_urls": [f"{url}/sitemap.xml"],
        "allow_private": True,
        "delay_s": DEMO_DELAY_S,
    }


def _parse(name: str, table: Mapping[str, Any], path: Path | None) -> Source:
    where = f"{path or 'built-in'}: sources.{name}"
    for key in ("name", "every_s"):
        if key in table:
            raise SourceInvalid(f"{where}.{key}: unknown key")
    try:
        return _source.validate_python(
            {**table, "name": name}, context={"folder": path.parent if path else Path.cwd()}
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # The first part of the place is the discriminator's value, not a key of the file.
        field = ".".join(
            str(part) for part in first["loc"] if part not in {"schema_org", "dataset"}
        )
        if first["type"].startswith("union_tag"):
            field = "spider"
        message = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
        raise SourceInvalid(f"{where}{'.' + field if field else ''}: {message}") from error
