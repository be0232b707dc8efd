"""TMDB, read through its interface for programs (version 3) by an operator who has a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from services.ingest.sources.base_source import StrictBool, StrictInt, WebSource, site_address
from shared.delivery.messages import MAX_TRUST
from shared.record import Url

IDS_SUFFIXES = (".parquet", ".txt")

ImdbId = Annotated[str, Field(pattern=r"^tt\d{7,10}$")]
TmdbId = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]


class TmdbSource(WebSource):
    """The facts and reviews that TMDB has of listed movies."""

    spider: Literal["tmdb"]
    trust: Annotated[
        StrictInt,
        Field(
            ge=-MAX_TRUST,
            le=MAX_TRUST,
            description="Of two sources of one movie, the one with more is believed.",
        ),
    ] = 10  # it is asked for its facts; other sources have them beside their reviews
    key_file: Annotated[Path, Field(description="File with your API Read Access Token of TMDB.")]
    imdb_ids: Annotated[
        tuple[ImdbId, ...],
        Field(max_length=10_000, description="The movies to read, by their IMDb ids."),
    ] = ()
    tmdb_ids: Annotated[
        tuple[TmdbId, ...],
        Field(max_length=10_000, description="The movies to read, by their numbers at TMDB."),
    ] = ()
    ids_from: Annotated[
        Path | None,
        Field(description="File with further ids: a text with one in each line, or parquet."),
    ] = None
    with_reviews: Annotated[
        StrictBool, Field(description="Whether the reviews are read, too, and not only the facts.")
    ] = True
    language: Annotated[
        str,
        Field(
            pattern=r"^[a-z]{2}(-[A-Z]{2})?$",
            description="The language of titles, descriptions and reviews.",
        ),
    ] = "en-US"
    api_url: Annotated[
        Url, Field(description="Address of the interface; change it for a test.")
    ] = "https://api.themoviedb.org/3"
    posters: Annotated[
        StrictBool,
        Field(description="Whether posters are fetched and shown; TMDB's terms allow it."),
    ] = True
    image_url: Annotated[
        Url, Field(description="What stands before the path of a poster; the size is part of it.")
    ] = "https://image.tmdb.org/t/p/w342"

    @field_validator("api_url", "image_url", mode="after")
    @classmethod
    def _address(cls, url: str) -> str:
        return site_address(url)

    @field_validator("key_file", "ids_from", mode="after")
    @classmethod
    def _from_folder(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        folder = (info.context or {}).get("folder", Path.cwd())
        return Path(folder, path.expanduser()) if path is not None else None

    @field_validator("ids_from", mode="after")
    @classmethod
    def _known_format(cls, path: Path | None) -> Path | None:
        if path is not None and not path.name.endswith(IDS_SUFFIXES):
            raise ValueError(f"the file's name must end with one of {' '.join(IDS_SUFFIXES)}")
        return path

    @model_validator(mode="after")
    def _has_ids_and_keeps_the_key(self) -> Self:
        if not self.imdb_ids and not self.tmdb_ids and self.ids_from is None:
            raise ValueError("needs imdb_ids, tmdb_ids or ids_from: which movies shall be read?")
        if urlsplit(self.api_url).scheme != "https" and not self.allow_private:
            raise ValueError("api_url must begin with https, because the key is sent to it")
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """The host of the interface; the crawl may visit no other."""
        return frozenset({urlsplit(self.api_url).netloc.lower()})

    @property
    def image_hosts(self) -> frozenset[str]:
        """The host of ``image_url``, and those that are named."""
        return frozenset({urlsplit(self.image_url).netloc.lower(), *self.poster_hosts})
