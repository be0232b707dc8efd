"""Reads TMDB's answers, version 3 of its interface. Pure: bytes to items.

The structure is as TMDB documents it::

    /find/{imdb_id}          movie_results[].id
    /movie/{id}              the facts, with credits.{cast[], crew[]}, keywords.keywords[] and
                             external_ids.imdb_id appended
    /movie/{id}/reviews      results[], page, total_pages

An answer with another structure raises ``PageUnreadable``. A review without it is listed as unread
and makes the answer incomplete, so that the review does not count as gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.identifiers import imdb_movie_id
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.tmdb.movie_facts import FactReader, movie_of
from services.ingest.pages.unread import Unread
from services.ingest.pages.unreadable import PageUnreadable
from services.ingest.pages.values.days import day
from services.ingest.pages.values.texts import excerpt

APPENDED = ("credits", "keywords", "external_ids")


@dataclass(frozen=True, slots=True)
class MovieAnswer:
    """A movie, its number at TMDB, and what could not be read."""

    movie: MovieItem
    tmdb_id: int
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewsAnswer:
    """A page of a movie's reviews.

    Attributes:
        reviews: The reviews with text.
        textless: Number of reviews without text.
        next_page: Number of the next page; None when this is the last one.
        unread: What could not be read.
    """

    reviews: tuple[ReviewItem, ...]
    textless: int
    next_page: int | None
    unread: tuple[Unread, ...] = ()


def find_url(base_url: str, imdb_id: str) -> str:
    """The URL that finds a movie by its IMDb id."""
    return f"{base_url}/find/{imdb_id}?external_source=imdb_id"


def movie_url(base_url: str, tmdb_id: int, language: str) -> str:
    """The URL of a movie's facts."""
    query = {"append_to_response": ",".join(APPENDED), "language": language}
    return f"{base_url}/movie/{tmdb_id}?{urlencode(query, safe=',')}"


def reviews_url(base_url: str, tmdb_id: int, language: str, page: int = 1) -> str:
    """The URL of a page of a movie's reviews; pages are numbered from 1."""
    return f"{base_url}/movie/{tmdb_id}/reviews?{urlencode({'language': language, 'page': page})}"


def parse_found(body: bytes) -> int | None:
    """Read which movie has an IMDb id.

    Returns:
        The movie's number at TMDB; None when TMDB does not know the id, or not as a movie.

    Raises:
        PageUnreadable: the answer has another structure.
    """
    results = _answer(body).get("movie_results")
    if not isinstance(results, list):
        raise PageUnreadable("no list of movies in the answer")
    if not results:
        return None
    number = _number(results[0].get("id")) if isinstance(results[0], dict) else None
    if number is None:
        raise PageUnreadable("a movie without its number")
    return number


def parse_movie(body: bytes, url: str, *, imdb_id: str | None, image_url: str) -> MovieAnswer:
    """Read the facts of a movie.

    Args:
        body: The answer as received.
        url: The URL of the answer.
        imdb_id: The IMDb id by which the movie was found, if it was; else the answer's counts.
        image_url: What stands before the path of a poster.

    Raises:
        PageUnreadable: the answer has another structure.
    """
    answer = _answer(body)
    tmdb_id = _number(answer.get("id"))
    if tmdb_id is None or not isinstance(answer.get("title"), str):
        raise PageUnreadable("not a movie")
    facts = FactReader(url)
    movie_id = imdb_id or _imdb_id(answer) or f"tmdb:{tmdb_id}"
    movie = movie_of(answer, tmdb_id, movie_id, image_url, facts)
    missing = [Unread("value", f"{url} {name}", "missing") for name in _missing(answer)]
    return MovieAnswer(movie, tmdb_id, (*facts.unread, *missing))


def parse_reviews(body: bytes, url: str, movie_id: str) -> ReviewsAnswer:
    """Read a page of a movie's reviews.

    Args:
        body: The answer as received.
        url: The URL of the answer.
        movie_id: The id of the movie.

    Raises:
        PageUnreadable: the answer has another structure.
    """
    answer = _answer(body)
    results, page, pages = (answer.get(key) for key in ("results", "page", "total_pages"))
    if not isinstance(results, list):
        raise PageUnreadable("no list of reviews in the answer")
    if not isinstance(page, int) or not isinstance(pages, int):
        raise PageUnreadable("no numbers of pages in the answer")
    facts = FactReader(url)
    reviews: list[ReviewItem] = []
    textless = 0
    for at, result in enumerate(results):
        if not isinstance(result, dict) or not isinstance(result.get("content"), str):
            where = f"{url} results[{at}]"
            facts.unread.append(Unread("page", where, "not a review", excerpt(result)))
        elif clean_text(result["content"]):
            reviews.append(_review(result, movie_id, facts))
        else:
            textless += 1
    next_page = page + 1 if page < pages else None
    return ReviewsAnswer(tuple(reviews), textless, next_page, tuple(facts.unread))


def _review(result: dict[str, Any], movie_id: str, facts: FactReader) -> ReviewItem:
    details = result.get("author_details")
    points = details.get("rating") if isinstance(details, dict) else None
    name = details.get("username") if isinstance(details, dict) else None
    return ReviewItem(
        movie_id=movie_id,
        text=result["content"],
        external_id=facts.text("id", result.get("id")),
        rating=facts.rating("author_details.rating", points),
        author=facts.text("author", result.get("author") or name),
        published=facts.read("created_at", day, result.get("created_at"), None),
        url=facts.text("url", result.get("url")),
    )


def _answer(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise PageUnreadable("not JSON") from None
    if not isinstance(answer, dict):
        raise PageUnreadable("not an object")
    return answer


def _number(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_number else None


def _imdb_id(answer: dict[str, Any]) -> str | None:
    external = answer.get("external_ids")
    appended = external.get("imdb_id") if isinstance(external, dict) else None
    return imdb_movie_id(*(one for one in (answer.get("imdb_id"), appended) if _is_text(one)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _missing(answer: dict[str, Any]) -> Iterable[str]:
    """The parts that were asked for and are not in the answer."""
    return (name for name in APPENDED if name not in answer)
