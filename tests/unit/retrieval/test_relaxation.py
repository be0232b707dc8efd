from __future__ import annotations

import numpy as np
from hypothesis import given

from shared.retrieval.filters import FilterIndex, MovieFilter, Range
from shared.retrieval.relaxation import constrain
from shared.snapshot.files.facts import CatalogueFacts
from tests.unit.retrieval.test_filters import filters, movies

FACTS = FilterIndex(
    [
        CatalogueFacts(year=1994, genres=("Horror",), countries=("Korea",), runtime_minutes=100),
        CatalogueFacts(year=1994, genres=("Comedy",), countries=("Korea",), runtime_minutes=95),
        CatalogueFacts(year=1994, genres=("Horror",), runtime_minutes=120),
        CatalogueFacts(year=2004, genres=("Horror",), countries=("France",), runtime_minutes=80),
        CatalogueFacts(genres=("Horror",)),
    ]
)
NINETIES = Range(1990, 1999)
ALL = np.ones(5, bool)


def rows(mask: np.ndarray) -> list[int]:
    return np.flatnonzero(mask).tolist()


def test_what_fits_and_what_is_unknown() -> None:
    kept = constrain(FACTS, MovieFilter(year=NINETIES, genres_any=("horror",)), ALL)
    assert (rows(kept.fits), rows(kept.unknown), kept.relaxed) == ([0, 2], [4], ())
    kept = constrain(FACTS, MovieFilter(countries_any=("Korea",), genres_none=("Comedy",)), ALL)
    assert (rows(kept.fits), rows(kept.unknown)) == ([0], [2, 4])


def test_only_movies_to_choose_from_count() -> None:
    others = ALL.copy()
    others[[0, 4]] = False
    kept = constrain(FACTS, MovieFilter(year=NINETIES, genres_any=("Horror",)), others)
    assert (rows(kept.fits), rows(kept.unknown)) == ([2], [])


def test_the_least_certain_constraint_that_helps_is_dropped() -> None:
    known = ALL.copy()
    known[[2, 4]] = False
    short = Range(None, 90)
    typed = MovieFilter(year=NINETIES, countries_any=("Korea",), runtime_minutes=short)
    kept = constrain(FACTS, typed, known)
    assert kept.relaxed == ("runtime",)
    assert kept.filters == typed.without("runtime")
    assert rows(kept.fits) == [0, 1]
    # The runtime can be kept here: it is the country that no movie of these has.
    typed = MovieFilter(runtime_minutes=short, countries_any=("Peru",))
    kept = constrain(FACTS, typed, known)
    assert (kept.relaxed, rows(kept.fits)) == (("countries",), [3])
    # No single one helps, so that the least certain goes first.
    typed = MovieFilter(runtime_minutes=Range(500), countries_any=("Peru",), year=Range(1900, 1909))
    kept = constrain(FACTS, typed, known)
    assert kept.relaxed == ("runtime", "countries", "year")
    assert kept.filters.is_empty
    assert rows(kept.fits) == [0, 1, 3]


@given(movies, filters)
def test_nothing_that_fits_is_lost_and_nothing_that_fails_is_kept(
    facts: list[CatalogueFacts], typed: MovieFilter
) -> None:
    index = FilterIndex(facts)
    everything = np.ones(index.rows, bool)
    kept = constrain(index, typed, everything)
    fits = index.matching(kept.filters)
    for kind in kept.filters.kinds:
        fits &= index.known(kind)
    assert kept.fits.tolist() == fits.tolist()
    assert not (kept.fits & kept.unknown).any()
    assert (kept.fits | kept.unknown).any() or not facts
    for kind in kept.filters.kinds:
        failing = index.known(kind) & ~index.matching(kept.filters.only(kind))
        assert not (kept.unknown & failing).any()
    assert kept.relaxed == () or not index.matching(typed).any()
