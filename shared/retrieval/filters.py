"""Facts of all movies as arrays, so that filters are exact and take microseconds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Range:
    """An interval that includes its ends; an end that is None is open."""

    gte: float | None = None
    lte: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether every value is in it."""
        return self.gte is None and self.lte is None


@dataclass(frozen=True, slots=True)
class MovieFilter:
    """Conditions on a movie. An unknown fact does not meet a condition on it."""

    year: Range = Range()
    rating: Range = Range()
    genres_any: tuple[str, ...] = ()
    genres_none: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has no condition."""
        return (
            self.year.is_open
            and self.rating.is_open
            and not self.genres_any
            and not self.genres_none
        )


EVERYTHING = MovieFilter()


class FilterIndex:
    """Year, rating and genres of every movie, by row."""

    def __init__(self, rows: Iterable[tuple[int | None, float | None, tuple[str, ...]]]) -> None:
        """Build the index.

        Args:
            rows: ``(year, rating, genres)`` of every movie, by row.
        """
        facts = list(rows)
        self._years = np.array([np.nan if year is None else year for year, _, _ in facts])
        self._ratings = np.array([np.nan if rating is None else rating for _, rating, _ in facts])
        self._genres: dict[str, Mask] = {}
        self._spelling: dict[str, Counter[str]] = {}
        for row, (_, _, genres) in enumerate(facts):
            for genre in genres:
                key = genre.casefold()
                if key not in self._genres:
                    self._genres[key] = np.zeros(len(facts), bool)
                self._genres[key][row] = True
                self._spelling.setdefault(key, Counter())[genre] += 1
        self.rows = len(facts)

    def matching(self, filters: MovieFilter) -> Mask:
        """Which movies meet the conditions, shape ``(rows,)``; genres ignore case."""
        mask = np.ones(self.rows, bool)
        for values, limits in ((self._years, filters.year), (self._ratings, filters.rating)):
            # A comparison with NaN, an unknown fact, is false.
            if limits.gte is not None:
                mask &= values >= limits.gte
            if limits.lte is not None:
                mask &= values <= limits.lte
        if filters.genres_any:
            mask &= self._any_of(filters.genres_any)
        if filters.genres_none:
            mask &= ~self._any_of(filters.genres_none)
        return mask

    def _any_of(self, genres: tuple[str, ...]) -> Mask:
        mask = np.zeros(self.rows, bool)
        for genre in genres:
            with_genre = self._genres.get(genre.casefold())
            if with_genre is not None:
                mask |= with_genre
        return mask

    def genres(self) -> list[tuple[str, int]]:
        """Genres in their most common spelling with their numbers of movies, largest first."""
        counted = [
            (self._spelling[key].most_common(1)[0][0], int(mask.sum()))
            for key, mask in self._genres.items()
        ]
        return sorted(counted, key=lambda pair: (-pair[1], pair[0]))

    def years(self) -> tuple[int, int] | None:
        """The first and the last year; None when none is known."""
        ends = _ends(self._years)
        return (int(ends[0]), int(ends[1])) if ends else None

    def ratings(self) -> tuple[float, float] | None:
        """The lowest and the highest rating; None when none is known."""
        return _ends(self._ratings)


def _ends(values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else None
