from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.filters import EVERYTHING, FilterIndex, MovieFilter, Range

GENRES = ["Drama", "Comedy", "Horror", "drama"]
rows = st.lists(
    st.tuples(
        st.none() | st.integers(1990, 1995),
        st.none() | st.floats(0, 10),
        st.lists(st.sampled_from(GENRES), unique=True, max_size=3).map(tuple),
    ),
    max_size=12,
)
ranges = st.builds(Range, st.none() | st.integers(1990, 1995), st.none() | st.integers(1990, 1995))
filters = st.builds(
    MovieFilter,
    year=ranges,
    rating=st.builds(Range, st.none() | st.floats(0, 10), st.none() | st.floats(0, 10)),
    genres_any=st.lists(st.sampled_from([*GENRES, "Western"]), max_size=2).map(tuple),
    genres_none=st.lists(st.sampled_from([*GENRES, "Western"]), max_size=2).map(tuple),
)


def within(value: float | None, limits: Range) -> bool:
    if limits.is_open:
        return True
    if value is None:
        return False
    return (limits.gte is None or value >= limits.gte) and (
        limits.lte is None or value <= limits.lte
    )


@given(rows, filters)
def test_filters_are_exact(
    movies: list[tuple[int | None, float | None, tuple[str, ...]]], wanted: MovieFilter
) -> None:
    any_of = {genre.lower() for genre in wanted.genres_any}
    none_of = {genre.lower() for genre in wanted.genres_none}
    expected = [
        within(year, wanted.year)
        and within(rating, wanted.rating)
        and (not any_of or bool(any_of & {g.lower() for g in genres}))
        and not none_of & {g.lower() for g in genres}
        for year, rating, genres in movies
    ]
    assert FilterIndex(movies).matching(wanted).tolist() == expected
    if wanted.is_empty:
        assert all(expected)


def test_facets() -> None:
    facts = FilterIndex(
        [(1994, 8.0, ("Drama",)), (None, None, ("drama", "War")), (2001, 6.5, ("Drama",))]
    )
    assert facts.genres() == [("Drama", 3), ("War", 1)]
    assert facts.years() == (1994, 2001)
    assert facts.ratings() == (6.5, 8.0)
    nothing = FilterIndex([(None, None, ())])
    assert (nothing.genres(), nothing.years(), nothing.ratings()) == ([], None, None)
    assert nothing.matching(EVERYTHING).tolist() == [True]
