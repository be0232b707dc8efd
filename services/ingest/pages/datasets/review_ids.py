"""Says whether the review ids of a dataset are unique, or only within each movie. Pure.

Reviews that are numbered from 1 within each movie would overwrite each other. The first rows tell:
if an id occurs there for two movies, all ids of the dataset get the id of their movie as a prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ROWS_COMPARED: Final = 200_000
"""Rows whose ids are compared; a hash of each is kept meanwhile, about 30 MB in all."""


def are_within_movies(ids: Iterable[tuple[str, str]]) -> bool:
    """Whether an id occurs for two movies.

    Args:
        ids: The id of the movie and of the review, for each row that has both.
    """
    movies: dict[int, int] = {}
    for movie, review in ids:
        hashed = hash(movie)
        if movies.setdefault(hash(review), hashed) != hashed:
            return True
    return False
