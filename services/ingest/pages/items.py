"""What spiders yield, as the source says it, and the one place where it becomes a message.

Spiders extract; they do not judge. Cleaning, ids and limits are applied here, so that every
spider's reviews look alike to the rest of the system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from services.ingest.pages.cleaning import clean_text, clip
from services.ingest.pages.identifiers import review_id
from shared.delivery.messages import (
    MAX_DESCRIPTION_CHARS,
    MAX_REVIEW_CHARS,
    MAX_TITLE_CHARS,
    Movie,
    Review,
)

_MAX_GENRES = 20
_MAX_DIRECTORS = 20
_URL = re.compile(r"https?://\S{1,2040}$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class MovieItem:
    """A film as a page or row describes it. ``rating`` is on a scale of 0 to 10."""

    movie_id: str
    title: str | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    description: str | None = None
    rating: float | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A review as a page or row gives it.

    ``text`` is uncleaned, ``rating`` on a scale of 0 to 10, ``own_id`` the source's name for it.
    """

    movie_id: str
    text: str
    own_id: str | None = None
    rating: float | None = None
    title: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None
    language: str | None = None
    spoiler: bool | None = None


def to_movie(item: MovieItem) -> Movie:
    """The film, cleaned.

    Raises:
        pydantic.ValidationError: it cannot be one, e.g. its year lies in no century of film.
    """
    return Movie(
        movie_id=item.movie_id,
        title=_short(item.title, MAX_TITLE_CHARS),
        year=item.year,
        genres=_names(item.genres, 64)[:_MAX_GENRES],
        directors=_names(item.directors, 200)[:_MAX_DIRECTORS],
        description=_short(item.description, MAX_DESCRIPTION_CHARS),
        rating=item.rating,
        url=_link(item.url),
    )


def to_review(item: ReviewItem, source: str) -> Review:
    """The review, cleaned and with its id.

    Raises:
        pydantic.ValidationError: it cannot be one, e.g. nothing is left of its text.
    """
    text = clip(clean_text(item.text), MAX_REVIEW_CHARS)
    return Review(
        review_id=review_id(
            source, own=item.own_id, permalink=item.url, movie=item.movie_id, text=text
        ),
        movie_id=item.movie_id,
        text=text,
        rating=item.rating,
        title=_short(item.title, MAX_TITLE_CHARS),
        author=_short(item.author, 200),
        published=_date(item.published),
        url=_link(item.url),
        language=_short(item.language, 35),
        spoiler=item.spoiler,
    )


def _short(text: str | None, most_chars: int) -> str | None:
    return clip(clean_text(text).replace("\n", " "), most_chars) or None if text else None


def _names(names: tuple[str, ...], most_chars: int) -> tuple[str, ...]:
    short = (_short(name, most_chars) for name in names)
    return tuple(dict.fromkeys(name for name in short if name))


def _link(url: str | None) -> str | None:
    return url if url is not None and _URL.match(url) and url.isprintable() else None


def _date(text: str | None) -> date | None:
    match = _DATE.match(text or "")
    try:
        return date.fromisoformat(match.group()) if match else None
    except ValueError:
        return None
