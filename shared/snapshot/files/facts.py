"""The facts of a movie that searches filter by and names are looked up in. Pure."""

from __future__ import annotations

from typing import NamedTuple


class CatalogueFacts(NamedTuple):
    """What the catalogue knows of a movie, without its texts; None and () are unknown.

    A named tuple, because a loaded snapshot makes one for each of its movies.
    """

    title: str | None = None
    year: int | None = None
    rating: float | None = None
    genres: tuple[str, ...] = ()
    review_count: int = 0
    original_title: str | None = None
    directors: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    runtime_minutes: int | None = None
    votes: int | None = None
