"""What may be crawled: ``sources.toml``, by name.

The file's format is a promise (``docs/sources.md``); a key it does not know is refused, so that a
misspelt limit is never silently without effect. The bundled ``demo`` is always there; a table
``[sources.demo]`` in the file overrides its fields. Relative paths are relative to the file. Files
of a dataset are looked for when its crawl starts, not when the sources are read.
"""

from __future__ import annotations

import difflib
import re
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args
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

from services.ingest.sources.source_file import (
    SourceInvalid,
    SourcesFile,
    SourceTable,
    read_sources_file,
)
from shared.delivery.messages import SourceName, Url
from shared.settings import Settings

__all__ = [
    "DatasetSource",
    "ImdbSource",
    "SchemaOrgSource",
    "Source",
    "SourceInvalid",
    "WebSource",
    "find_source",
    "load_sources",
]

DEFAULT_FILE = "sources.toml"
DEMO = "demo"
DEMO_DELAY_S = 0.01  # our own site on loopback: polite by being ours

DATASET_FORMATS = (".parquet", ".csv", ".jsonl")
DATASET_SUFFIXES = (
    *DATASET_FORMATS,
    *(form + packed for form in (".csv", ".jsonl") for packed in (".gz", ".zst")),
)

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(value: object) -> object:
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration such as "90s", "30m", "24h" or "7d" is wanted')
    return int(match.group(1)) * _UNITS_S[match.group(2)]


Duration = Annotated[int, BeforeValidator(_seconds)]
Whole = Annotated[int, Field(strict=True)]
Truth = Annotated[bool, Field(strict=True)]

MovieTarget = Literal[
    "movie_id", "title", "description", "year", "genres", "directors", "rating", "url"
]
ReviewTarget = Literal[
    "movie_id", "text", "review_id", "rating", "title", "author", "published", "url", "language",
    "spoiler", "movie",
]  # fmt: skip
Target = Literal[MovieTarget, ReviewTarget]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: SourceName
    reviews_per_movie: Annotated[
        Whole, Field(ge=0, le=10_000, description="Most reviews kept of a movie; 0: all.")
    ] = 0
    every_s: Annotated[
        Duration | None,
        Field(alias="every", description="Crawl again this long after the last time."),
    ] = None
    time_limit_s: Annotated[
        Duration | None,
        Field(
            alias="time_limit",
            description="End a crawl after this long. Absent: `MOVIE_SEARCH_CRAWL_TIME_LIMIT_S`.",
        ),
    ] = None


class WebSource(_Source):
    """What every source that is fetched from a web site has: its limits."""

    allow_private: Annotated[
        Truth, Field(description="Whether the site may be on a private or loopback address.")
    ] = False
    delay_s: Annotated[
        float,
        Field(
            ge=0.01,
            le=300,
            strict=True,
            allow_inf_nan=False,
            description="Least pause between two requests, in seconds.",
        ),
    ] = 1.0
    max_pages: Annotated[
        Whole, Field(ge=1, le=10_000_000, description="Most pages fetched in a crawl.")
    ] = 50_000
    max_depth: Annotated[
        Whole, Field(ge=1, le=10_000, description="Most links followed from a start page.")
    ] = 500  # a chain of "next" links may be long
    max_bytes: Annotated[
        Whole, Field(ge=1, le=2**50, description="Most bytes of all pages of a crawl together.")
    ] = 2 * 2**30

    @property
    @abstractmethod
    def hosts(self) -> frozenset[str]:
        """``host`` or ``host:port``: all that the crawl may visit."""


class SchemaOrgSource(WebSource):
    """A web site that marks up its films and reviews with schema.org JSON-LD or microdata."""

    spider: Literal["schema_org"]
    start_urls: Annotated[
        tuple[Url, ...],
        Field(min_length=1, max_length=1_000, description="Sitemaps, or pages to begin at."),
    ]

    @field_validator("start_urls", mode="after")
    @classmethod
    def _with_host(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            _require_host(url)
        return urls

    @property
    def hosts(self) -> frozenset[str]:
        """``host`` or ``host:port`` of each start URL: all that the crawl may visit."""
        return frozenset(urlsplit(url).netloc.lower() for url in self.start_urls)


class ImdbSource(WebSource):
    """IMDb's best rated feature films and what its users say of them."""

    spider: Literal["imdb"]
    base_url: Annotated[
        Url, Field(description="The site's address; another than IMDb's for a mirror or a test.")
    ] = "https://www.imdb.com"
    top: Annotated[Whole, Field(ge=1, le=10_000, description="How many films, best first.")] = 500
    min_votes: Annotated[
        Whole, Field(ge=1, le=100_000_000, description="Least votes that a film must have.")
    ] = 10_000

    @field_validator("base_url", mode="after")
    @classmethod
    def _site_only(cls, url: str) -> str:
        _require_host(url)
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise ValueError("must be a site's address, without query and fragment")
        return url.rstrip("/")

    @property
    def hosts(self) -> frozenset[str]:
        """``host`` or ``host:port`` of the site: all that the crawl may visit."""
        return frozenset({urlsplit(self.base_url).netloc.lower()})


class DatasetSource(_Source):
    """A catalogue on disk: one file of movies, one of reviews."""

    spider: Literal["dataset"]
    movies: Annotated[Path, Field(description="File with a row for each movie.")]
    reviews: Annotated[Path, Field(description="File with a row for each review.")]
    columns: Annotated[
        Mapping[Target, ColumnName],
        Field(description="Names of the files' columns where they are others than the known ones."),
    ] = {}

    @field_validator("movies", "reviews", mode="after")
    @classmethod
    def _from_folder(cls, path: Path, info: ValidationInfo) -> Path:
        folder = (info.context or {}).get("folder", Path.cwd())
        if not path.name.endswith(DATASET_SUFFIXES):
            raise ValueError(f"the file's name must end in one of {' '.join(DATASET_SUFFIXES)}")
        return Path(folder, path.expanduser())


Source = SchemaOrgSource | ImdbSource | DatasetSource
_MODELS: Mapping[str, type[_Source]] = {
    "schema_org": SchemaOrgSource,
    "imdb": ImdbSource,
    "dataset": DatasetSource,
}
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
    file = read_sources_file(path) if path is not None else SourcesFile()
    tables = dict(file.tables)
    built_in = _demo(demo_url or f"http://127.0.0.1:{settings.demo_site_port}")
    override = tables.get(DEMO, built_in)
    if override.get("spider", "schema_org") == "schema_org":
        tables[DEMO] = {**built_in, **override}
    return {name: _parse(name, table, file) for name, table in tables.items()}


def find_source(sources: Mapping[str, Source], name: str) -> Source:
    """The source of this name.

    Raises:
        SourceInvalid: there is none.
    """
    if name not in sources:
        raise SourceInvalid(f"source {name!r} is not configured; there are {', '.join(sources)}")
    return sources[name]


def _demo(url: str) -> SourceTable:
    return {
        "spider": "schema_org",
        "start_urls": [f"{url}/sitemap.xml"],
        "allow_private": True,
        "delay_s": DEMO_DELAY_S,
    }


def _require_host(url: str) -> None:
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.password:
        raise ValueError("a URL must name a host, and no user or password")


def _parse(name: str, table: SourceTable, file: SourcesFile) -> Source:
    if "name" in table:
        raise file.fault((name, "name"), "unknown key; a source's name stands in its header")
    folder = file.path.parent if file.path is not None else Path.cwd()
    try:
        return _source.validate_python({**table, "name": name}, context={"folder": folder})
    except ValidationError as error:
        raise _first_fault(name, error, file) from error


def _first_fault(name: str, error: ValidationError, file: SourcesFile) -> SourceInvalid:
    """The mistake that stands first in the file."""
    faults: list[tuple[int, SourceInvalid]] = []
    for item in error.errors(include_url=False):
        # The first part of the place is the discriminator's value, not a key of the file.
        spider, *field = item["loc"] or ("",)
        why = item["msg"].removeprefix("Value error, ")
        if item["type"].startswith("union_tag"):
            field = ["spider"]
        elif item["type"] == "extra_forbidden":
            why = "unknown key" + _did_you_mean(str(field[-1]), str(spider))
        elif field[-1:] == ["[key]"]:
            field.pop()
            why = f"unknown; there are {', '.join(sorted(get_args(Target)))}"
        faults.append((file.line((name, *field)) or 0, file.fault((name, *field), why)))
    return min(faults, key=lambda fault: fault[0])[1]


def _did_you_mean(key: str, spider: str) -> str:
    known = [field.alias or name for name, field in _MODELS[spider].model_fields.items()]
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
