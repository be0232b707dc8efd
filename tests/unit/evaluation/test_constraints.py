from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.evaluation.constraints import (
    Constraint,
    ConstraintInvalid,
    MovieFacts,
    parse_constraint,
)


@pytest.mark.parametrize(
    ("constraint", "kept"),
    [
        (Constraint(year=(1994, 1994)), True),
        (Constraint(year=(1990, 1993)), False),
        (Constraint(year=(1995, 2100)), False),
        (Constraint(genres=("comedy",)), True),
        (Constraint(genres=("Comedy", "Romance")), True),
        (Constraint(genres=("Comedy", "War")), False),
        (Constraint(genres=("Comedy",), not_genres=("War",)), True),
        (Constraint(genres=("Comedy",), not_genres=("romance",)), False),
        (Constraint(year=(1990, 1999), not_genres=("Romance",)), False),
    ],
)
def test_a_movie_keeps_a_constraint_or_not(constraint: Constraint, kept: bool) -> None:
    assert constraint.kept_by(MovieFacts(1994, ("Comedy", "Romance"))) is kept


def test_an_unknown_fact_keeps_nothing() -> None:
    assert not Constraint(year=(0, 2100)).kept_by(MovieFacts(None, ("Comedy",)))
    assert not Constraint(not_genres=("War",)).kept_by(MovieFacts(1994))
    assert Constraint(year=(0, 2100)).kept_by(MovieFacts(1994))


def test_what_the_queries_say_is_read() -> None:
    value = {"year": [1990, 1999], "genres": ["Comedy"], "not_genres": ["Romance"]}
    assert parse_constraint(value) == Constraint((1990, 1999), ("Comedy",), ("Romance",))
    assert parse_constraint({"genres": ["War"]}) == Constraint(genres=("War",))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must be an object with year, genres, not_genres"),
        ({}, "must be an object"),
        ({"years": [1990, 1999]}, "unknown key 'years'"),
        ({"year": 1990}, r"year must be \[first, last\]"),
        ({"year": [1999, 1990]}, "in their order"),
        ({"year": [True, 1990]}, "two whole numbers"),
        ({"genres": "Comedy"}, "genres must be a list"),
        ({"not_genres": [" "]}, "not_genres must be a list"),
        ({"genres": []}, "says nothing"),
        ({"genres": ["War"], "not_genres": ["war"]}, "requires and refuses war"),
    ],
)
def test_other_values_are_rejected(value: object, message: str) -> None:
    with pytest.raises(ConstraintInvalid, match=message):
        parse_constraint(value)


@given(
    st.integers(1900, 2030),
    st.frozensets(st.sampled_from(("War", "Comedy", "Drama")), min_size=1),
    st.tuples(st.integers(1900, 2030), st.integers(1900, 2030)),
    st.frozensets(st.sampled_from(("War", "Comedy", "Drama"))),
)
def test_refused_genres_are_the_opposite_of_required_ones(
    year: int, genres: frozenset[str], years: tuple[int, int], named: frozenset[str]
) -> None:
    facts = MovieFacts(year, tuple(genres))
    span = (min(years), max(years))
    within = span[0] <= year <= span[1]
    for genre in named:
        required = Constraint(span, genres=(genre,)).kept_by(facts)
        refused = Constraint(span, not_genres=(genre,)).kept_by(facts)
        assert [required, refused].count(True) == int(within)
