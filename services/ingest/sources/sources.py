"""The sources that may be crawled: the models of the tables in ``sources.toml``.

The file's format is a public interface (``docs/sources.md``); unknown keys are rejected, so that a
misspelt limit is not silently ignored. The bundled ``demo`` always exists; a table
``[sources.demo]`` in the file overrides its fields. Relative paths are relative to the file. The
files of a dataset are opened when its crawl starts, not when the sources are loaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from services.ingest.settings import IngestSettings
from services.ingest.sources.base_source import (
    BaseSource,
    StrictInt,
    WebSource,
    require_host,
    site_address,
)
from services.ingest.sources.dataset_source import TAGS, DatasetSource
from services.ingest.sources.dataset_tables import Lookup, MovieTable, ReviewTable, Target
from services.ingest.sources.source_file import (
    SourceInvalid,
    SourcesFile,
    SourceTable,
    read_sources_file,
)
from services.ingest.sources.tmdb_source import TmdbSource
from shared.record import Url

__all__ = [
    "DatasetSource",
    "ImdbSource",
    "SchemaOrgSource",
    "Source",
    "SourceInvalid",
    "Target",
    "TmdbSource",
    "WebSource",
    "find_source",
    "load_sources",
]

DEFAULT_FILE = "sources.toml"
DEMO = "demo"
DEMO_DELAY_S = 0.01  # the bundled site on loopback needs no politeness


class SchemaOrgSource(WebSource):
    """A web site that marks up its movies and reviews with schema.org JSON-LD or microdata."""

    spider: Literal["schema_org"]
    start_urls: Annotated[
        tuple[Url, ...],
        Field(min_length=1, max_length=1_000, description="Sitemaps, or pages at which to start."),
    ]

    @field_validator("start_urls", mode="after")
    @classmethod
    def _with_host(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            require_host(url)
        return urls

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the start URLs; the crawl may visit no other."""
        return frozenset(urlsplit(url).netloc.lower() for url in self.start_urls)


class ImdbSource(WebSource):
    """IMDb's best rated feature movies and their user reviews."""

    spider: Literal["imdb"]
    base_url: Annotated[
        Url, Field(description="Address of the site; change it for a mirror or a test.")
    ] = "https://www.imdb.com"
    top: Annotated[
        StrictInt, Field(ge=1, le=10_000, description="Number of movies, best rated first.")
    ] = 500
    min_votes: Annotated[
        StrictInt, Field(ge=1, le=100_000_000, description="Minimum number of votes of a movie.")
    ] = 10_000

    @field_validator("base_url", mode="after")
    @classmethod
    def _site_only(cls, url: str) -> str:
        return site_address(url)

    @property
    def hosts(self) -> frozenset[str]:
        """The host of the site; the crawl may visit no other."""
        return frozenset({urlsplit(self.base_url).netloc.lower()})


Source = SchemaOrgSource | ImdbSource | TmdbSource | DatasetSource
_MODELS: Mapping[str, type[BaseSource]] = {
    "schema_org": SchemaOrgSource,
    "imdb": ImdbSource,
    "tmdb": TmdbSource,
    "dataset": DatasetSource,
}
_source: TypeAdapter[Source] = TypeAdapter(Annotated[Source, Field(discriminator="spider")])


def load_sources(settings: IngestSettings, *, demo_url: str | None = None) -> dict[str, Source]:
    """Load all configured sources.

    Args:
        settings: The path of the file, and the port of the demo site.
        demo_url: The URL of the demo site, when it does not listen on the configured port.

    Returns:
        Name to source.

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
    """The source with this name.

    Raises:
        SourceInvalid: it is not configured.
    """
    if name not in sources:
        known = ", ".join(sources)
        raise SourceInvalid(f"source {name!r} is not configured; configured: {known}")
    return sources[name]


def _demo(url: str) -> SourceTable:
    return {
        "spider": "schema_org",
        "start_urls": [f"{url}/sitemap.xml"],
        "allow_private": True,
        "delay_s": DEMO_DELAY_S,
    }


def _parse(name: str, table: SourceTable, file: SourcesFile) -> Source:
    if "name" in table:
        raise file.error_at((name, "name"), "unknown key; the table's header names the source")
    folder = file.path.parent if file.path is not None else Path.cwd()
    try:
        return _source.validate_python({**table, "name": name}, context={"folder": folder})
    except ValidationError as error:
        raise _first_error(name, error, file) from error


def _first_error(name: str, error: ValidationError, file: SourcesFile) -> SourceInvalid:
    """The first error in the order of the file."""
    errors: list[tuple[int, SourceInvalid]] = []
    for item in error.errors(include_url=False):
        # The first part of the location is the discriminator's value, not a key of the file.
        spider, *field = item["loc"] or ("",)
        field = [part for part in field if part not in TAGS]
        if field[:2] == ["reviews", 0] or field[-2:] == ["path", 0]:
            field.remove(0)  # it need not be written as a list
        reason = item["msg"].removeprefix("Value error, ")
        if item["type"].startswith("union_tag"):
            field = ["spider"]
        elif item["type"] == "extra_forbidden":
            reason = "unknown key" + _did_you_mean(field, str(spider))
        elif field[-1:] == ["[key]"]:
            field.pop()
            reason = f"unknown field; known fields: {', '.join(sorted(get_args(Target)))}"
        errors.append((file.line((name, *field)) or 0, file.error_at((name, *field), reason)))
    return min(errors, key=lambda error: error[0])[1]


def _did_you_mean(place: list[Any], spider: str) -> str:
    model: type[BaseModel] = _MODELS[spider]
    if len(place) > 1:  # a key of a table of a dataset
        model = ReviewTable if place[0] == "reviews" else MovieTable
        model = Lookup if "lookups" in place else model
    known = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
