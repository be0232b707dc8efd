"""What is known of a movie and of a review, declared once. Pure.

Spiders fill a record, messages carry it, SQL and the snapshot's catalogue derive their columns from
its fields, and the HTTP API answers with it. So a new fact takes two steps: declare it here, and
read it in the sources that have it (``docs/how-to/add-a-movie-field.md``).

A record is a plain dataclass: making one checks nothing, so that a spider can hand on what a page
says and a search can make thousands. ``validated_movie`` and ``validated_review`` check one, and so
does every message that is parsed.
"""

from __future__ import annotations

import hashlib
import re
import types
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

MAX_REVIEW_CHARS: Final = 50_000
MAX_TITLE_CHARS: Final = 500
MAX_DESCRIPTION_CHARS: Final = 5_000
MAX_NAME_CHARS: Final = 200
MAX_URL_CHARS: Final = 2_048
MAX_RUNTIME_MINUTES: Final = 6_000
MAX_VOTES: Final = 2**53 - 1
MAX_MOVIE_ID_CHARS: Final = 64
ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:~-]*$"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL, and UTF-8 refuses lone surrogates.
    if _UNSTORABLE.search(text):
        raise ValueError("NUL or lone surrogate in text")
    return text


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


MovieId = Annotated[str, Field(min_length=1, max_length=MAX_MOVIE_ID_CHARS, pattern=ID_PATTERN)]
ReviewId = Annotated[str, Field(min_length=1, max_length=160, pattern=ID_PATTERN)]
Url = Annotated[str, Field(max_length=MAX_URL_CHARS, pattern=r"^https?://")]
Rating = Annotated[float, Field(ge=0, le=10)]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS), AfterValidator(_storable)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS), AfterValidator(_storable)]
Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_storable)]

_CONFIG = ConfigDict(extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class MovieRecord:
    """A movie as its source describes it. Only the id is certain.

    Example::

        MovieRecord("tt0075148", title="Rocky", year=1976, runtime_minutes=120)
    """

    __pydantic_config__ = _CONFIG

    movie_id: MovieId
    title: Title | None = None
    year: Annotated[int, Field(ge=1870, le=2100)] | None = None
    genres: Annotated[tuple[Word, ...], Field(max_length=20)] = ()
    directors: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    description: (
        Annotated[str, Field(max_length=MAX_DESCRIPTION_CHARS), AfterValidator(_storable)] | None
    ) = None
    rating: Annotated[Rating | None, Field(description="Mean rating at its source, 0 to 10.")] = (
        None
    )
    url: Annotated[Url | None, Field(description="The movie's page at its source.")] = None
    original_title: Annotated[
        Title | None, Field(description="The title in the language the movie was made in.")
    ] = None
    people: Annotated[tuple[Name, ...], Field(max_length=50, description="The cast.")] = ()
    countries: Annotated[
        tuple[Word, ...], Field(max_length=20, description="Countries of origin.")
    ] = ()
    languages: Annotated[
        tuple[Word, ...], Field(max_length=20, description="Spoken languages.")
    ] = ()
    keywords: Annotated[
        tuple[Name, ...], Field(max_length=50, description="Keywords given by its source.")
    ] = ()
    runtime_minutes: (
        Annotated[int, Field(ge=1, le=MAX_RUNTIME_MINUTES, description="Running time, in minutes.")]
        | None
    ) = None
    votes: (
        Annotated[int, Field(ge=0, le=MAX_VOTES, description="How many votes `rating` counts.")]
        | None
    ) = None
    poster_url: Annotated[Url | None, Field(description="A picture at its source.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """What is known of a review besides its text."""

    rating: Annotated[Rating | None, Field(description="The viewer's rating, 0 to 10.")] = None
    title: Annotated[str, Field(max_length=MAX_TITLE_CHARS), AfterValidator(_storable)] | None = (
        None
    )
    author: Annotated[str, Field(max_length=MAX_NAME_CHARS), AfterValidator(_storable)] | None = (
        None
    )
    published: (
        Annotated[str, AfterValidator(_day), Field(description="The day, as YYYY-MM-DD.")] | None
    ) = None
    url: Url | None = None
    language: Annotated[str, Field(max_length=35), AfterValidator(_storable)] | None = None
    spoiler: Annotated[
        bool | None, Field(description="Whether it gives away the story; null: not said.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord(ReviewFacts):
    """One viewer's review of one movie; ``text`` is cleaned, NFC, without markup."""

    __pydantic_config__ = _CONFIG

    review_id: ReviewId
    movie_id: MovieId
    text: Annotated[
        str, Field(min_length=1, max_length=MAX_REVIEW_CHARS), AfterValidator(_storable)
    ]


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field of a record, as SQL, the catalogue and the cleaning of text need it.

    Attributes:
        name: The field's name.
        type: ``str``, ``int``, ``float``, ``bool``, or ``tuple`` (of texts).
        is_required: Whether it has no default.
        max_chars: Longest text, or longest text of the tuple; None: no bound.
        max_items: Most texts of the tuple; None: no bound.
        is_url: Whether it holds a URL.
    """

    name: str
    type: type
    is_required: bool
    max_chars: int | None
    max_items: int | None
    is_url: bool


def record_fields(record: type) -> tuple[RecordField, ...]:
    """The fields of a record in the order of their declaration."""
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        _field(field.name, hints[field.name], is_required=_has_no_default(field))
        for field in fields(record)
    )


def _has_no_default(field: Any) -> bool:
    from dataclasses import MISSING  # noqa: PLC0415

    return field.default is MISSING and field.default_factory is MISSING


def _field(name: str, hint: Any, *, is_required: bool) -> RecordField:
    bounds: list[Any] = []
    inner = _bare(hint, bounds)
    is_url = any(getattr(bound, "pattern", None) == r"^https?://" for bound in bounds)
    most = [bound.max_length for bound in bounds if hasattr(bound, "max_length")]
    if get_origin(inner) is tuple:
        item_bounds: list[Any] = []
        _bare(get_args(inner)[0], item_bounds)
        chars = [bound.max_length for bound in item_bounds if hasattr(bound, "max_length")]
        return RecordField(name, tuple, is_required, min(chars), min(most, default=None), is_url)
    return RecordField(name, inner, is_required, min(most, default=None), None, is_url)


def _bare(hint: Any, bounds: list[Any]) -> Any:
    """A type without ``Annotated`` and ``None``; what its annotations hold goes to ``bounds``."""
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint, *extras = get_args(hint)
            for extra in extras:
                bounds += getattr(extra, "metadata", [])
        elif origin in {Union, types.UnionType}:
            [hint] = [part for part in get_args(hint) if part is not type(None)]
        else:
            return hint


MOVIE_FIELDS: Final = record_fields(MovieRecord)
REVIEW_FACTS: Final = record_fields(ReviewFacts)

_MOVIES: TypeAdapter[MovieRecord] = TypeAdapter(MovieRecord)
_REVIEWS: TypeAdapter[ReviewRecord] = TypeAdapter(ReviewRecord)


def validated_movie(facts: Mapping[str, Any]) -> MovieRecord:
    """A movie's record, every field checked.

    Raises:
        pydantic.ValidationError: a field breaks its bounds, or is unknown.
    """
    return _MOVIES.validate_python(facts)


def validated_review(facts: Mapping[str, Any]) -> ReviewRecord:
    """A review's record, every field checked.

    Raises:
        pydantic.ValidationError: a field breaks its bounds, or is unknown.
    """
    return _REVIEWS.validate_python(facts)


def hashed_review_id(source: str, url: str | None, text: str) -> str:
    """A stable id for a review whose source gives it none: hash of canonical url and NFC text."""
    payload = f"{url or ''}\n{unicodedata.normalize('NFC', text)}"
    return f"{source}:{hashlib.sha256(payload.encode()).hexdigest()[:32]}"
