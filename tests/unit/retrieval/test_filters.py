from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.filters import CONDITIONS, EVERYTHING, FilterIndex, MovieFilter, Range
from shared.snapshot.files.facts import CatalogueFacts

GENRES = ["Drama", "Comedy", "Horror", "drama", "Comédie"]
NAMES = ["Ana Ruiz", "ana ruiz", "Bo Li", "Céline"]


def some(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=3).map(tuple)


movies = st.lists(
    st.builds(
        CatalogueFacts,
        year=st.none() | st.integers(1990, 1995),
        rating=st.none() | st.floats(0, 10),
        genres=some(GENRES),
        directors=some(NAMES),
        people=some(NAMES),
        countries=some(NAMES),
        languages=some(NAMES),
        runtime_minutes=st.none() | st.integers(80, 90),
        votes=st.none() | st.integers(0, 9),
    ),
    max_size=12,
)


def ranges(low: int, high: int) -> st.SearchStrategy[Range]:
    ends = st.none() | st.integers(low, high)
    return st.just(Range()) | st.builds(Range, ends, ends)


filters = st.builds(
    MovieFilter,
    year=ranges(1990, 1995),
    rating=st.builds(Range, st.none() | st.floats(0, 10), st.none() | st.floats(0, 10)),
    genres_any=some([*GENRES, "Western"]),
    genres_all=some(GENRES),
    genres_none=some([*GENRES, "Western"]),
    directors_any=some(NAMES),
    people_any=some([*NAMES, "Someone"]),
    countries_any=some(NAMES),
    languages_any=some(NAMES),
    runtime_minutes=ranges(80, 90),
    votes=ranges(0, 9),
)


def within(value: float | None, limits: Range) -> bool:
    if limits.is_open:
        return True
    if value is None:
        return False
    return (limits.gte is None or value >= limits.gte) and (
        limits.lte is None or value <= limits.lte
    )


def plain(names: tuple[str, ...]) -> set[str]:
    return {name.lower().replace("é", "e") for name in names}


def has_any(names: tuple[str, ...], wished: tuple[str, ...]) -> bool:
    return not wished or bool(plain(names) & plain(wished))


def meets(movie: CatalogueFacts, condition: MovieFilter) -> bool:
    return (
        within(movie.year, condition.year)
        and within(movie.rating, condition.rating)
        and within(movie.runtime_minutes, condition.runtime_minutes)
        and within(movie.votes, condition.votes)
        and has_any(movie.genres, condition.genres_any)
        and plain(condition.genres_all) <= plain(movie.genres)
        and not plain(condition.genres_none) & plain(movie.genres)
        and has_any(movie.directors, condition.directors_any)
        and has_any(movie.people + movie.directors, condition.people_any)
        and has_any(movie.countries, condition.countries_any)
        and has_any(movie.languages, condition.languages_any)
    )


@given(movies, filters)
def test_filters_are_exact(facts: list[CatalogueFacts], condition: MovieFilter) -> None:
    index = FilterIndex(facts)
    assert index.matching(condition).tolist() == [meets(movie, condition) for movie in facts]
    assert index.matching(EVERYTHING).all()


@given(movies, filters)
def test_a_filter_is_the_sum_of_its_kinds(
    facts: list[CatalogueFacts], condition: MovieFilter
) -> None:
    index = FilterIndex(facts)
    together = index.matching(EVERYTHING)
    rest = condition
    for kind in condition.kinds:
        together &= index.matching(condition.only(kind))
        rest = rest.without(kind)
    assert together.tolist() == index.matching(condition).tolist()
    assert rest.is_empty
    assert condition.is_empty == (condition.kinds == ())


@given(filters, filters)
def test_conditions_of_another_filter_win(one: MovieFilter, other: MovieFilter) -> None:
    less = one.less(other)
    for names in CONDITIONS.values():
        for name in names:
            if getattr(other, name) == getattr(EVERYTHING, name):
                assert getattr(less, name) == getattr(one, name)
            else:
                assert getattr(less, name) == getattr(EVERYTHING, name)


@given(movies)
def test_what_is_known(facts: list[CatalogueFacts]) -> None:
    index = FilterIndex(facts)
    assert index.known("year").tolist() == [movie.year is not None for movie in facts]
    assert index.known("runtime").tolist() == [movie.runtime_minutes is not None for movie in facts]
    assert index.known("genres").tolist() == [bool(movie.genres) for movie in facts]
    assert index.known("people").tolist() == [
        bool(movie.people or movie.directors) for movie in facts
    ]


def test_facets() -> None:
    facts = FilterIndex(
        [
            CatalogueFacts(year=1994, rating=8.0, genres=("Drama",)),
            CatalogueFacts(genres=("drama", "War")),
            CatalogueFacts(year=2001, rating=6.5, genres=("Drama",)),
        ]
    )
    assert facts.genres() == [("Drama", 3), ("War", 1)]
    assert facts.years() == (1994, 2001)
    assert facts.ratings() == (6.5, 8.0)
    nothing = FilterIndex([CatalogueFacts()])
    assert (nothing.genres(), nothing.years(), nothing.ratings()) == ([], None, None)
    assert nothing.matching(EVERYTHING).tolist() == [True]
