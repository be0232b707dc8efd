"""What a query says that movies must be, checked against what the catalogue knows. Pure.

A query of a set may carry ``"must"`` instead of judged movies::

    {"_id": "1", "text": "90s comedy, no romance",
     "must": {"year": [1990, 1999], "genres": ["Comedy"], "not_genres": ["Romance"]}}

``year`` includes both ends, all of ``genres`` are required, and none of ``not_genres`` is allowed.
Case does not matter. A movie of which the year is unknown does not keep a condition on the year,
and likewise with genres.
"""

from __future__ import annotations

from dataclasses import dataclass

_KEYS = ("year", "genres", "not_genres")


class ConstraintInvalid(ValueError):
    """Raised when a value is no constraint; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class MovieFacts:
    """The facts of a movie that a constraint can be about."""

    year: int | None = None
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a movie must be.

    Attributes:
        year: First and last year; None when the year does not matter.
        genres: Genres that the movie must have, all of them.
        not_genres: Genres that it must not have.
    """

    year: tuple[int, int] | None = None
    genres: tuple[str, ...] = ()
    not_genres: tuple[str, ...] = ()

    def kept_by(self, facts: MovieFacts) -> bool:
        """Whether a movie is what it must be."""
        if self.year is not None:
            first, last = self.year
            if facts.year is None or not first <= facts.year <= last:
                return False
        if not self.genres and not self.not_genres:
            return True
        genres = _folded(facts.genres)
        required, refused = _folded(self.genres), _folded(self.not_genres)
        return bool(genres) and required <= genres and not refused & genres


def parse_constraint(value: object) -> Constraint:
    """Parse the value of ``"must"``.

    Raises:
        ConstraintInvalid: it does not have the form above, or says nothing.
    """
    if not isinstance(value, dict) or not value:
        raise ConstraintInvalid(f"must be an object with {', '.join(_KEYS)}")
    for key in value:
        if key not in _KEYS:
            raise ConstraintInvalid(f"has the unknown key {key!r}; known are {', '.join(_KEYS)}")
    genres, not_genres = (_genres(key, value.get(key, [])) for key in _KEYS[1:])
    constraint = Constraint(_years(value.get("year")), genres, not_genres)
    if constraint == Constraint():
        raise ConstraintInvalid("says nothing")
    if contradiction := _folded(genres) & _folded(not_genres):
        raise ConstraintInvalid(f"requires and refuses {', '.join(sorted(contradiction))}")
    return constraint


def _years(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(type(year) is int for year in value):
        first, last = value
        if first <= last:
            return first, last
    raise ConstraintInvalid("year must be [first, last], two whole numbers in their order")


def _genres(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(g, str) and g.strip() for g in value):
        raise ConstraintInvalid(f"{key} must be a list of genres")
    return tuple(value)


def _folded(genres: tuple[str, ...]) -> frozenset[str]:
    return frozenset(genre.strip().casefold() for genre in genres)
