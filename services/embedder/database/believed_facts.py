"""What is known of a movie, from what each of its sources tells. Pure.

The facts of a movie are a function of the set of what its sources tell, and not of the order in
which crawls ran: of each fact, the source with the highest trust that knows it is believed; of
sources with equal trust, the first one by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.record import MOVIE_FIELDS, MovieRecord

Facts = Mapping[str, Any]  # a list for each tuple of the record; only what is known

EARLIER: Final = ""
"""Stands for the sources whose facts an earlier version stored together; all others go before."""


@dataclass(frozen=True, slots=True)
class ToldFacts:
    """What one source tells of a movie.

    Attributes:
        source: The name of the source.
        trust: The source's trust; of two sources the one with more is believed.
        facts: What it knows.
        fetched_at: When that was fetched, in seconds since 1970; None if unknown.
    """

    source: str
    trust: int
    facts: Facts
    fetched_at: float | None


def known_facts(movie: MovieRecord) -> dict[str, Any]:
    """The facts of a record that are known, without its id."""
    return {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in MOVIE_FIELDS[1:]
        for value in (getattr(movie, field.name),)
        if value is not None and value != ()
    }


def in_order_of_trust(told: Iterable[ToldFacts]) -> list[ToldFacts]:
    """What sources tell, the most trusted first."""
    return sorted(told, key=lambda one: (one.source == EARLIER, -one.trust, one.source))


def merged(in_order: Sequence[Facts]) -> dict[str, Any]:
    """The first value of each fact.

    A rating belongs to its number of votes: both are from the first that knows both, or else the
    rating is from the first that knows one.
    """
    facts: dict[str, Any] = {}
    for one in reversed(in_order):
        facts.update(one)
    rated = next(
        (
            one
            for names in (("rating", "votes"), ("rating",), ("votes",))
            for one in in_order
            if all(name in one for name in names)
        ),
        {},
    )
    facts.pop("rating", None)
    facts.pop("votes", None)
    return facts | {name: rated[name] for name in ("rating", "votes") if name in rated}
