"""Ids that are the same in every crawl, whatever host or port a page came from. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from shared.identity import digest, is_imdb_movie, own_movie_id, review_place
from shared.record import ID_PATTERN, MAX_MOVIE_ID_CHARS, hashed_review_id
from shared.text.marks import normalised

_IMDB_MOVIE = re.compile(r"(?<![A-Za-z0-9])(tt\d{7,10})(?![A-Za-z0-9])")
_IMDB_REVIEW = re.compile(r"(?:^|/)(rw\d{5,12})(?=$|[/?#])")
_PLAIN = re.compile(ID_PATTERN)
_MAX_REVIEW_ID = 160
_SHORT_TEXT = 80


def imdb_movie_id(*candidates: str | None) -> str | None:
    """The first IMDb title id (``tt0111161``) in the candidates, which are URLs or ids."""
    for candidate in candidates:
        match = _IMDB_MOVIE.search(candidate or "")
        if match:
            return match.group(1)
    return None


def movie_id(source: str, external_id: str) -> str:
    """The id of a movie: the IMDb id in the source's id, else an id of the source's own.

    Two sources may give equal ids to two movies, so that such an id gets the source's name.

    Args:
        source: The name of the source.
        external_id: The id in the source, or the URL of the movie's page.
    """
    return imdb_movie_id(external_id) or own_movie_id(source, external_id)


def spaced_id(space: str, external_id: str) -> str:
    """The id of a movie in a space of ids that several sources share, such as ``tmdb:862``."""
    external_id = external_id.strip()
    found = f"{space}:{external_id}"
    if len(found) <= MAX_MOVIE_ID_CHARS and _PLAIN.match(found):
        return found
    return f"{space}:{digest(external_id, 20)}"


def titled_id(title: str, year: int | None) -> str:
    """The id of a movie that is known by its title and year, whatever its case and its marks."""
    decomposed = normalised("NFKD", title.casefold()).replace("&", " and ")
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    words = re.findall(r"\w+", letters.replace("'", "").replace("\u2019", "")) or [title]
    return spaced_id("title", "-".join([*words, *([str(year)] if year is not None else [])]))


def review_id(
    source: str,
    *,
    external_id: str | None,
    permalink: str | None,
    movie: str,
    text: str,
    author: str | None = None,
    published: str | None = None,
) -> str:
    """The id of a review: IMDb's, else the source's, else a hash of its place and text.

    Only a movie of IMDb's has reviews of IMDb's: elsewhere ``rw12345`` is an id like any other.

    Many viewers write "Great film!", so without an id and a URL the author and the day belong to a
    short text. Long texts do not repeat by chance; their ids stay when an author changes names.

    Args:
        source: The name of the source.
        external_id: The id in the source, if any.
        permalink: The URL of the review, if any.
        movie: The id of the movie.
        text: The cleaned text.
        author: The author, if any.
        published: The day, if any.
    """
    for candidate in (external_id, permalink) if is_imdb_movie(movie) else ():
        match = _IMDB_REVIEW.search(candidate or "")
        if match:
            return f"imdb:{match.group(1)}"
    at = review_place(source, movie)
    if external_id:
        if external_id.startswith(f"{movie}:"):
            external_id = at + external_id[len(movie) :]
        prefixed = f"{source}:{external_id}"
        if len(prefixed) <= _MAX_REVIEW_ID and _PLAIN.match(prefixed):
            return prefixed
        return f"{source}:{digest(external_id, 32)}"
    place = permalink or at
    if permalink is None and len(text) <= _SHORT_TEXT and (author or published):
        place = "\n".join((at, author or "", published or ""))
    return hashed_review_id(source, place.encode(errors="replace").decode(), text)


def canonical_url(url: str, *, without: Iterable[str] = ("page",)) -> str:
    """The URL of a page without its fragment, and without the numbers of pages in its query.

    Args:
        url: The URL.
        without: The parameters that number the pages of one thing; with another value than a
            number, such as ``?page=about``, they name a page of its own.
    """
    parts = urlsplit(url)
    dropped = set(without)
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _counts(pair, dropped))
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", query, ""))


def _counts(pair: str, parameters: set[str]) -> bool:
    """Whether a part of a query is the number of a page."""
    name, _, value = pair.partition("=")
    return name in parameters and (not value or value.isdecimal())
