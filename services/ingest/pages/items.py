"""The items that spiders yield: movies and reviews as the source has them. Pure.

Spiders extract and do not judge. ``to_movie`` and ``to_review`` clean the items, assign ids and
apply limits, so that the items of all spiders look alike to the other services.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.ingest.pages.cleaning import clean_text, clip
from services.ingest.pages.identifiers import review_id
from shared.record import (
    MAX_REVIEW_CHARS,
    MOVIE_FIELDS,
    REVIEW_FACTS,
    MovieRecord,
    RecordField,
    ReviewFacts,
    ReviewRecord,
    validated_movie,
    validated_review,
)

_URL = re.compile(r"https?://\S{1,2040}$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class MovieItem(MovieRecord):
    """A movie as the source describes it, uncleaned; ``rating`` is on a scale of 0 to 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem(ReviewFacts):
    """A review as the source has it, uncleaned.

    Attributes:
        movie_id: The id of the reviewed movie.
        text: The text, with the source's markup and entities.
        external_id: The review's id in the source, if it has one.
    """

    movie_id: str
    text: str
    external_id: str | None = None


def to_movie(item: MovieRecord) -> MovieRecord:
    """Clean and validate a movie.

    Raises:
        pydantic.ValidationError: a fact cannot be true, for example a year before cinema.
    """
    facts = {field.name: _cleaned(getattr(item, field.name), field) for field in MOVIE_FIELDS}
    return validated_movie({**facts, "movie_id": item.movie_id})


def to_review(item: ReviewItem, source: str) -> ReviewRecord:
    """Clean and validate a review, and assign its id.

    Raises:
        pydantic.ValidationError: it is not valid, for example because its text is only markup.
    """
    text = clip(clean_text(item.text), MAX_REVIEW_CHARS)
    facts = {field.name: _cleaned(getattr(item, field.name), field) for field in REVIEW_FACTS}
    return validated_review(
        {
            **facts,
            "published": _date(item.published),
            "review_id": review_id(
                source,
                external_id=item.external_id,
                permalink=item.url,
                movie=item.movie_id,
                text=text,
            ),
            "movie_id": item.movie_id,
            "text": text,
        }
    )


def _cleaned(value: Any, field: RecordField) -> Any:
    """A value without markup and within its limits; numbers and booleans are unchanged."""
    if field.type is tuple:
        names = (_short(name, field.max_chars) for name in value)
        return tuple(dict.fromkeys(name for name in names if name))[: field.max_items]
    if field.is_url:
        return _link(value)
    return _short(value, field.max_chars) if field.type is str else value


def _short(text: str | None, max_chars: int | None) -> str | None:
    if not text:
        return None
    line = clean_text(text).replace("\n", " ")
    return (line if max_chars is None else clip(line, max_chars)) or None


def _link(url: str | None) -> str | None:
    return url if url is not None and _URL.match(url) and url.isprintable() else None


def _date(text: str | None) -> str | None:
    match = _DATE.match(text or "")
    try:
        return date.fromisoformat(match.group()).isoformat() if match else None
    except ValueError:
        return None
