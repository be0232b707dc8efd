"""Which movie an id names: IMDb's, one of a space that sources share, or one of a source. Pure.

Two sources may number their movies from 1, or name them by their titles, so that a source's own
ids get its name: ``shop:42`` is not ``club:42``. IMDb's ids mean the same everywhere, and an id
with a colon already says whose it is: ``tmdb:278``, ``title:the-lamp-room-1995``, or ``shop:42`` in
a file of another source, which then tells of the shop's movie. Ingest makes ids by these rules, and
the embedder renames by them what earlier versions stored (``docs/decisions/0059-identity.md``).
"""

from __future__ import annotations

import hashlib
import re

from shared.record import ID_PATTERN, MAX_MOVIE_ID_CHARS

_IMDB_ID = re.compile(r"tt\d{7,10}", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(ID_PATTERN)
_SOURCE_CHARS = 40
_HASHED = re.compile(r"[0-9a-f]{20}")


def own_movie_id(source: str, own_id: str) -> str:
    """The id of the movie that a source calls ``own_id``; an id that this made stays as it is.

    Args:
        source: The name of the source.
        own_id: The id in the source, or the address of the movie's page.

    Returns:
        The id itself if it is IMDb's or has a colon, else the source's name with it, or with a hash
        of it if it has other characters or is too long.
    """
    own_id = own_id.strip()
    if _IMDB_ID.fullmatch(own_id):
        return own_id.lower()
    prefix = _prefix(source)
    if _fits(own_id) and ":" in own_id:
        return own_id
    if _fits(prefix + own_id) and _fits(own_id):
        if prefix == f"{source}:":
            return prefix + own_id
        return prefix + digest(f"{source}\n{own_id}", 20)  # part of a name is not unique
    return prefix + digest(own_id, 20)


def is_imdb_movie(movie_id: str) -> bool:
    """Whether a movie has an IMDb id."""
    return _IMDB_ID.fullmatch(movie_id) is not None


def review_place(source: str, movie_id: str) -> str:
    """What stands for a movie in the hashed ids of a source's reviews.

    It is the id that the movie had before own ids got the source's name: reviews keep their ids.
    """
    own_id = movie_id.removeprefix(_prefix(source))
    return movie_id if _HASHED.fullmatch(own_id) else own_id


def digest(text: str, digits: int) -> str:
    """The first hexadecimal digits of a text's hash."""
    # Half a surrogate pair is not valid text, but a source may send it.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]


def _prefix(source: str) -> str:
    return f"{source[:_SOURCE_CHARS]}:"


def _fits(movie_id: str) -> bool:
    return len(movie_id) <= MAX_MOVIE_ID_CHARS and _PLAIN.match(movie_id) is not None
