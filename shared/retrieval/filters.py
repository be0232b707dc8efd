"""Facts of all movies as arrays, so that filters are exact and take microseconds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.snapshot.files.facts import CatalogueFacts
from shared.text.terms import fold

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
    genres_all: tuple[str, ...] = ()
    genres_none: tuple[str, ...] = ()
    directors_any: tuple[str, ...] = ()
    people_any: tuple[str, ...] = ()  # in the cast, or a director
    countries_any: tuple[str, ...] = ()
    languages_any: tuple[str, ...] = ()
    runtime_minutes: Range = Range()
    votes: Range = Range()

    @property
    def is_empty(self) -> bool:
        """Whether it has no condition."""
        return self == EVERYTHING

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of facts that it has conditions on, the least certain first."""
        return tuple(
            kind
            for kind, names in CONDITIONS.items()
            if any(getattr(self, name) != getattr(EVERYTHING, name) for name in names)
        )

    def only(self, kind: str) -> MovieFilter:
        """Its conditions on one kind of fact."""
        return replace(EVERYTHING, **{name: getattr(self, name) for name in CONDITIONS[kind]})

    def without(self, kind: str) -> MovieFilter:
        """Its conditions on all other kinds of facts."""
        return replace(self, **{name: getattr(EVERYTHING, name) for name in CONDITIONS[kind]})

    def less(self, other: MovieFilter) -> MovieFilter:
        """It without the conditions for which ``other`` has one of its own."""
        taken = [
            name
            for names in CONDITIONS.values()
            for name in names
            if getattr(other, name) != getattr(EVERYTHING, name)
        ]
        return replace(self, **{name: getattr(EVERYTHING, name) for name in taken})


CONDITIONS: Final[dict[str, tuple[str, ...]]] = {
    "votes": ("votes",),
    "rating": ("rating",),
    "runtime": ("runtime_minutes",),
    "languages": ("languages_any",),
    "countries": ("countries_any",),
    "people": ("people_any",),
    "directors": ("directors_any",),
    "genres": ("genres_any", "genres_all", "genres_none"),
    "year": ("year",),
}
"""The kinds of facts, as the API names them, with the conditions on each.

The least certain come first: a typed constraint that leaves no movie is dropped in this order.
"""

EVERYTHING = MovieFilter()

_NUMBERS = {
    "year": "year",
    "rating": "rating",
    "runtime": "runtime_minutes",
    "votes": "votes",
}


class _Names:
    """Which movies have a name, such as a genre or a person; ignores case and accents."""

    def __init__(self, names_by_row: Sequence[tuple[str, ...]]) -> None:
        numbers: dict[str, int] = {}
        folded: dict[str, int] = {}  # the number of each spelling: folding is slow
        of_entry: list[int] = []
        for names in names_by_row:
            for name in names:
                number = folded.get(name)
                if number is None:
                    number = folded[name] = numbers.setdefault(fold(name), len(numbers))
                of_entry.append(number)
        lengths = np.fromiter(map(len, names_by_row), np.int64, len(names_by_row))
        rows = np.repeat(np.arange(len(names_by_row)), lengths)
        entries = np.array(of_entry, np.int64)
        self._numbers = numbers
        self._rows = rows[np.argsort(entries, kind="stable")]
        self._ends = np.cumsum(np.bincount(entries, minlength=len(numbers)))
        self.known: Mask = lengths > 0

    def any_of(self, names: Sequence[str]) -> Mask:
        mask = np.zeros(len(self.known), bool)
        for name in names:
            mask[self._with(name)] = True
        return mask

    def all_of(self, names: Sequence[str]) -> Mask:
        mask = np.ones(len(self.known), bool)
        for name in names:
            mask &= self.any_of((name,))
        return mask

    def _with(self, name: str) -> npt.NDArray[np.int64]:
        number = self._numbers.get(fold(name))
        if number is None:
            return self._rows[:0]
        return self._rows[self._ends[number - 1] if number else 0 : self._ends[number]]


class FilterIndex:
    """The facts of every movie by row, one array for each kind of fact."""

    def __init__(self, facts: Sequence[CatalogueFacts]) -> None:
        """Build the index.

        Args:
            facts: The facts of every movie, by row.
        """
        self.rows = len(facts)
        self._numbers = {
            kind: np.array(
                [np.nan if (value := getattr(fact, name)) is None else value for fact in facts],
                np.float64,
            )
            for kind, name in _NUMBERS.items()
        }
        self._names = {
            "genres": _Names([fact.genres for fact in facts]),
            "directors": _Names([fact.directors for fact in facts]),
            "people": _Names([fact.people + fact.directors for fact in facts]),
            "countries": _Names([fact.countries for fact in facts]),
            "languages": _Names([fact.languages for fact in facts]),
        }
        spellings = Counter(genre for fact in facts for genre in dict.fromkeys(fact.genres))
        self._genres: dict[str, str] = {}  # the most common spelling of each
        for genre, _ in spellings.most_common():
            self._genres.setdefault(fold(genre), genre)

    def matching(self, filters: MovieFilter) -> Mask:
        """Which movies meet the conditions, shape ``(rows,)``; names ignore case and accents."""
        mask = np.ones(self.rows, bool)
        for kind, limits in (
            ("year", filters.year),
            ("rating", filters.rating),
            ("runtime", filters.runtime_minutes),
            ("votes", filters.votes),
        ):
            # A comparison with NaN, an unknown fact, is false.
            if limits.gte is not None:
                mask &= self._numbers[kind] >= limits.gte
            if limits.lte is not None:
                mask &= self._numbers[kind] <= limits.lte
        for kind, names in (
            ("genres", filters.genres_any),
            ("directors", filters.directors_any),
            ("people", filters.people_any),
            ("countries", filters.countries_any),
            ("languages", filters.languages_any),
        ):
            if names:
                mask &= self._names[kind].any_of(names)
        if filters.genres_all:
            mask &= self._names["genres"].all_of(filters.genres_all)
        if filters.genres_none:
            mask &= ~self._names["genres"].any_of(filters.genres_none)
        return mask

    def known(self, kind: str) -> Mask:
        """Of which movies the catalogue knows a fact of this kind, shape ``(rows,)``."""
        names = self._names.get(kind)
        return ~np.isnan(self._numbers[kind]) if names is None else names.known

    def genres(self) -> list[tuple[str, int]]:
        """Genres in their most common spelling with their numbers of movies, largest first."""
        counted = [
            (genre, int(self._names["genres"].any_of((genre,)).sum()))
            for genre in self._genres.values()
        ]
        return sorted(counted, key=lambda pair: (-pair[1], pair[0]))

    def years(self) -> tuple[int, int] | None:
        """The first and the last year; None when none is known."""
        ends = _ends(self._numbers["year"])
        return (int(ends[0]), int(ends[1])) if ends else None

    def ratings(self) -> tuple[float, float] | None:
        """The lowest and the highest rating; None when none is known."""
        return _ends(self._numbers["rating"])


def _ends(values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else None
