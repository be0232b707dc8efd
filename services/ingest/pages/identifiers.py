"""Ids that are the same on every crawl, whatever host or port a page came from. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from shared.delivery.messages import ID_PATTERN, hashed_review_id

_IMDB_MOVIE = re.compile(r"(?<![A-Za-z0-9])(tt\d{7,10})(?![A-Za-z0-9])")
_IMDB_REVIEW = re.compile(r"(?:^|/)(rw\d{5,12})(?=$|[/?#])")
_PLAIN = re.compile(ID_PATTERN)
_MAX_MOVIE_ID = 64
_MAX_REVIEW_ID = 160


def imdb_movie_id(*candidates: str | None) -> str | None:
    """The first IMDb title id (``tt0111161``) in any of the candidates, URLs or bare ids."""
    for candidate in candidates:
        match = _IMDB_MOVIE.search(candidate or "")
        if match:
            return match.group(1)
    return None


def movie_id(source: str, own: str) -> str:
    """A movie's id from the source's own id or page: IMDb's where it is one, else one of ours."""
    found = imdb_movie_id(own)
    if found is not None:
        return found
    own = own.strip()
    if len(own) <= _MAX_MOVIE_ID and _PLAIN.match(own):
        return own
    return f"{source[:40]}:{_digest(own, 20)}"


def review_id(source: str, *, own: str | None, permalink: str | None, movie: str, text: str) -> str:
    """A review's id: IMDb's, else the source's own, else a hash of its place and cleaned text."""
    for candidate in (own, permalink):
        match = _IMDB_REVIEW.search(candidate or "")
        if match:
            return f"imdb:{match.group(1)}"
    if own:
        named = f"{source}:{own}"
        if len(named) <= _MAX_REVIEW_ID and _PLAIN.match(named):
            return named
        return f"{source}:{_digest(own, 32)}"
    place = (permalink or movie).encode(errors="replace").decode()
    return hashed_review_id(source, place, text)


def canonical_url(url: str, *, without: Iterable[str] = ("page",)) -> str:
    """A page's URL without fragment and without the query parameters in ``without``."""
    parts = urlsplit(url)
    dropped = set(without)
    query = "&".join(
        pair for pair in parts.query.split("&") if pair and pair.split("=", 1)[0] not in dropped
    )
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", query, ""))


def _digest(text: str, digits: int) -> str:
    # Half a surrogate pair is no text, but a source may send one all the same.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]
