"""The items that spiders yield: movies and reviews as the source has them. Pure.

Spiders extract and do not judge. ``to_movie`` and ``to_review`` clean the items, assign ids and
apply limits, so that the items of all spiders look alike to the other services.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError

from services.ingest.pages.cleaning import clean_text, clip
from services.ingest.pages.identifiers import review_id
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import excerpt
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

_Record = TypeVar("_Record", MovieRecord, ReviewRecord)

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


def to_movie(item: MovieRecord, unread: list[Unread] | None = None) -> MovieRecord:
    """Clean and validate a movie.

    Args:
        item: The movie as the source describes it.
        unread: Receives the facts that cannot be true and were left out.

    Raises:
        pydantic.ValidationError: its id is not valid.
    """
    facts = {field.name: _cleaned(getattr(item, field.name), field) for field in MOVIE_FIELDS}
    values = {**facts, "movie_id": item.movie_id}
    return _validated(validated_movie, values, MOVIE_FIELDS, unread)


def to_review(item: ReviewItem, source: str, unread: list[Unread] | None = None) -> ReviewRecord:
    """Clean and validate a review, and assign its id.

    Args:
        item: The review as the source has it.
        source: The name of the source.
        unread: Receives the facts that cannot be true and were left out.

    Raises:
        pydantic.ValidationError: its text is only markup, or an id is not valid.
    """
    text = clip(clean_text(item.text), MAX_REVIEW_CHARS)
    facts = {field.name: _cleaned(getattr(item, field.name), field) for field in REVIEW_FACTS}
    return _validated(
        validated_review,
        {
            **facts,
            "published": _date(item.published),
            "review_id": review_id(
                source,
                external_id=item.external_id,
                permalink=item.url,
                movie=item.movie_id,
                text=text,
                author=facts["author"],
                published=_date(item.published),
            ),
            "movie_id": item.movie_id,
            "text": text,
        },
        REVIEW_FACTS,
        unread,
    )


def _validated(
    validate: Callable[[Mapping[str, Any]], _Record],
    values: Mapping[str, Any],
    facts: Sequence[RecordField],
    unread: list[Unread] | None,
) -> _Record:
    """A record without the facts that are not valid: one bad fact must not cost the record.

    Raises:
        pydantic.ValidationError: what is not valid is more than facts.
    """
    try:
        return validate(values)
    except ValidationError as error:
        reasons = {
            str(problem["loc"][0]): problem["msg"] for problem in error.errors(include_url=False)
        }
        empty = {field.name: () if field.type is tuple else None for field in facts}
        if not all(name in empty and name != "movie_id" for name in reasons):
            raise
    if unread is not None:
        unread += [
            Unread("value", f"{values['movie_id']} {name}", reason, excerpt(values[name]))
            for name, reason in reasons.items()
        ]
    return validate({**values, **{name: empty[name] for name in reasons}})


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
