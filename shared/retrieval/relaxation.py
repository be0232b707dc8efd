"""Typed constraints: kept where the catalogue knows the fact, and dropped when nothing is left.

A filter that a request states excludes movies that lack the fact. A constraint that was understood
from a text is less certain, and so is what a catalogue does not say: movies of which it knows
nothing of a kind come after all that fit. When no movie is left, the least certain constraint is
dropped, in the order of ``filters.CONDITIONS``. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.retrieval.filters import FilterIndex, Mask, MovieFilter


@dataclass(frozen=True, slots=True)
class Constrained:
    """What constraints leave of some movies.

    Attributes:
        fits: Movies that are known to meet all constraints in force, shape ``(rows,)``.
        unknown: The others that are not known to fail one.
        filters: The constraints in force.
        relaxed: The kinds of the constraints that were dropped.
        share: The share of movies that meet all constraints in force among those of which it is
            known, as a guess for the others.
    """

    fits: Mask
    unknown: Mask
    filters: MovieFilter
    relaxed: tuple[str, ...] = ()
    share: float = 1.0


def constrain(facts: FilterIndex, filters: MovieFilter, among: Mask) -> Constrained:
    """Apply constraints.

    Args:
        facts: The facts of all movies.
        filters: The constraints.
        among: The movies to choose from, shape ``(rows,)``.
    """
    known = {kind: facts.known(kind) for kind in filters.kinds}
    # A movie without genres meets "no horror", but may be one.
    fitting = {kind: facts.matching(filters.only(kind)) & mask for kind, mask in known.items()}
    possible = {kind: fitting[kind] | ~mask for kind, mask in known.items()}
    relaxed: list[str] = []
    left = _all_of(possible, among)
    while possible and among.any() and not left.any():
        # The least certain one whose removal helps, or the least certain one of all.
        dropped = next(
            (
                kind
                for kind in possible
                if _all_of({k: mask for k, mask in possible.items() if k != kind}, among).any()
            ),
            next(iter(possible)),
        )
        relaxed.append(dropped)
        filters = filters.without(dropped)
        del possible[dropped], fitting[dropped]
        left = _all_of(possible, among)
    fits = _all_of(fitting, among)
    unknown = left & ~fits
    decided = int(np.count_nonzero(among & ~unknown))
    share = (int(np.count_nonzero(fits)) + 1) / (decided + 2)  # by Laplace's rule: few say little
    return Constrained(fits, unknown, filters, tuple(relaxed), share)


def _all_of(masks: dict[str, Mask], among: Mask) -> Mask:
    result: Mask = np.logical_and.reduce([among, *masks.values()])
    return result
