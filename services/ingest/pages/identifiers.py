"""Ids that are the same in every crawl, whatever host or port a page came from. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from shared.record import ID_PATTERN, hashed_review_id

_IMDB_MOVIE = re.compile(r"(?<![A-Za-z0-9])(tt\d{7,10})(?![A-Za-z0-9])")
_IMDB_REVIEW = re.compile(r"(?:^|/)(rw\d{5,12})(?=$|[/?#])")
_PLAIN = re.compile(ID_PATTERN)
_MAX_MOVIE_ID = 64
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
    """The id of a movie: the IMDb id in the source's id, else that id, else a hash of it.

    Args:
        source: The name of the source.
        external_id: The id in the source, or the URL of the movie's page.
    """
    imdb_id = imdb_movie_id(external_id)
    if imdb_id is not None:
        return imdb_id
    external_id = external_id.strip()
    if len(external_id) <= _MAX_MOVIE_ID and _PLAIN.match(external_id):
        return external_id
    return f"{source[:40]}:{_digest(external_id, 20)}"


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
    for candidate in (external_id, permalink):
        match = _IMDB_REVIEW.search(candidate or "")
        if match:
            return f"imdb:{match.group(1)}"
    if external_id:
        prefixed = f"{source}:{external_id}"
        if len(prefixed) <= _MAX_REVIEW_ID and _PLAIN.match(prefixed):
            return prefixed
        return f"{source}:{_digest(external_id, 32)}"
    place = permalink or movie
    if permalink is None and len(text) <= _SHORT_TEXT and (author or published):
        place = "\n".join((movie, author or "", published or ""))
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


def _digest(text: str, digits: int) -> str:
    # Half a surrogate pair is not valid text, but a source may send it.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]
