"""Rankings over a real snapshot that is larger than its candidates, against plain computations."""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.retrieval.filters import MovieFilter, Range
from shared.retrieval.searcher import (
    CANDIDATES,
    Mode,
    Searcher,
    SearchPage,
    SearchQuery,
    UnknownMovie,
    Vector,
)
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder
from tests.support.soak import examples

MODES: tuple[Mode, ...] = get_args(Mode)
GENRES = ("Drama", "Comedy", "Horror", "War", "Western")
WORDS = (
    *("rain", "neon", "boxer", "stairs", "robot", "ship", "quiet", "loud", "funny", "sad", "love"),
    *("war", "train", "snow", "desert", "city", "king", "child", "ghost", "dance", "money"),
    *("letter", "dream", "river", "island", "murder", "band", "teacher", "horse", "moon"),
)


def catalogue() -> list[SampleMovie]:
    """320 movies; two of every ten are twins of their neighbours, so that scores are equal."""
    dice = random.Random(7)
    movies: list[SampleMovie] = []
    for n in range(320):
        if n % 10 in {4, 5} and movies:
            reviews = movies[-1].reviews
        else:
            reviews = tuple(
                " ".join(dice.choices(WORDS, k=dice.randint(3, 12))) + "."
                for _ in range(dice.randint(1, 3))
            )
        movies.append(
            SampleMovie(
                f"tt{n:04}",
                reviews,
                title=f"{dice.choice(WORDS)} {dice.choice(WORDS)} {n}" if n % 7 else None,
                year=dice.randint(1960, 2020) if n % 5 else None,
                genres=tuple(dice.sample(GENRES, dice.randint(0, 3))),
                rating=round(dice.uniform(3, 10), 1) if n % 6 else None,
            )
        )
    return movies


MOVIES = catalogue()
MOVIE, TWIN = MOVIES[13], MOVIES[14]
ENCODER = HashEncoder()


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    manifest = SnapshotBuilder(store, ENCODER).publish(MOVIES)
    assert len(MOVIES) > CANDIDATES * 2
    return Searcher(open_snapshot(store, manifest.snapshot_id))


@functools.cache
def vector(text: str) -> Vector:
    unit: Vector = ENCODER.encode_queries([text])[0]
    return unit


def search(searcher: Searcher, query: SearchQuery) -> SearchPage:
    """Search with the vectors of the query's texts."""
    encoded = {text: vector(text) for text in (query.text, query.avoid) if text}
    return searcher.search(
        replace(
            query,
            vector=encoded.get(query.text or ""),
            avoid_vector=encoded.get(query.avoid or ""),
        )
    )


def ids(answer: SearchPage) -> list[str]:
    return [hit.movie.movie_id for hit in answer.hits]


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
movie_ids = st.lists(st.sampled_from([movie.movie_id for movie in MOVIES]), max_size=3, unique=True)
years = st.builds(Range, st.none() | st.integers(1955, 2025), st.none() | st.integers(1955, 2025))
ratings = st.builds(Range, st.none() | st.floats(0, 10), st.none() | st.floats(0, 10))
filters = st.builds(
    MovieFilter,
    year=years,
    rating=ratings,
    genres_any=st.lists(st.sampled_from([*GENRES, "comedy", "Noir"]), max_size=3).map(tuple),
    genres_none=st.lists(st.sampled_from([*GENRES, "WAR"]), max_size=2).map(tuple),
)
searches = st.builds(
    SearchQuery,
    text=texts,
    mode=st.sampled_from(MODES),
    like=movie_ids,
    avoid=st.none() | texts,
    filters=st.just(MovieFilter()) | filters,
    diversity=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    evidence=st.integers(0, 2),
)


def said_of(movie: SampleMovie) -> set[str]:
    """The words of the movie's reviews, and of its facts, which are searched as well."""
    said = " ".join([*movie.reviews, movie.title or "", *movie.genres])
    return set(said.lower().replace(".", "").split())


def passes(movie: SampleMovie, filters: MovieFilter) -> bool:
    def within(value: float | None, limits: Range) -> bool:
        if limits.gte is None and limits.lte is None:
            return True
        above = value is not None and (limits.gte is None or value >= limits.gte)
        return above and value is not None and (limits.lte is None or value <= limits.lte)

    genres = {genre.lower() for genre in movie.genres}
    any_of = {genre.lower() for genre in filters.genres_any}
    none_of = {genre.lower() for genre in filters.genres_none}
    return (
        within(movie.year, filters.year)
        and within(movie.rating, filters.rating)
        and (not any_of or bool(any_of & genres))
        and not none_of & genres
    )


@settings(max_examples=examples(60))
@given(texts, filters, movie_ids, st.sampled_from(["hybrid", "semantic"]))
def test_filters_let_through_what_a_look_at_every_movie_does(
    searcher: Searcher, text: str, condition: MovieFilter, liked: list[str], mode: Mode
) -> None:
    expected = {
        movie.movie_id
        for movie in MOVIES
        if passes(movie, condition) and movie.movie_id not in liked
    }
    answer = search(
        searcher,
        SearchQuery(
            k=len(MOVIES), text=text, mode=mode, filters=condition, like=tuple(liked), evidence=0
        ),
    )
    assert answer.matched == len(expected)
    assert len(ids(answer)) == len(expected)
    assert set(ids(answer)) == expected


@settings(max_examples=examples(30))
@given(texts, filters)
def test_a_lexical_search_finds_what_passes_and_shares_a_word(
    searcher: Searcher, text: str, condition: MovieFilter
) -> None:
    words = set(text.split())
    expected = {
        movie.movie_id for movie in MOVIES if passes(movie, condition) and words & said_of(movie)
    }
    answer = search(
        searcher,
        SearchQuery(k=len(MOVIES), text=text, mode="lexical", filters=condition, evidence=0),
    )
    assert set(ids(answer)) == expected
    assert answer.matched == len(expected)


@settings(max_examples=examples(50))
@given(searches, st.integers(25, 90))
def test_pages_are_parts_of_one_ranking(searcher: Searcher, query: SearchQuery, size: int) -> None:
    whole = search(searcher, replace(query, k=len(MOVIES)))
    assert len(whole.hits) == whole.matched
    pages = [
        search(searcher, replace(query, k=size, offset=offset))
        for offset in range(0, whole.matched + size, size)
    ]
    assert {page.matched for page in pages} == {whole.matched}
    assert list(itertools.chain(*(page.hits for page in pages))) == list(whole.hits)
    assert [hit.rank for hit in whole.hits] == list(range(1, whole.matched + 1))


@settings(max_examples=examples(40))
@given(texts, st.sampled_from(MODES), filters)
def test_without_diversity_scores_fall(
    searcher: Searcher, text: str, mode: Mode, condition: MovieFilter
) -> None:
    answer = search(searcher, SearchQuery(k=len(MOVIES), text=text, mode=mode, filters=condition))
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)


@settings(max_examples=examples(40))
@given(texts, movie_ids.filter(bool), movie_ids, st.sampled_from(MODES))
def test_a_movie_that_is_named_in_the_search_is_not_found(
    searcher: Searcher, text: str, liked: list[str], unliked: list[str], mode: Mode
) -> None:
    query = SearchQuery(
        k=len(MOVIES), text=text, mode=mode, like=tuple(liked), unlike=tuple(unliked), evidence=0
    )
    assert not set(ids(search(searcher, query))) & {*liked, *unliked}


@settings(max_examples=examples(25))
@given(texts, st.sampled_from(WORDS))
def test_what_is_avoided_never_gains(searcher: Searcher, text: str, word: str) -> None:
    plain = search(searcher, SearchQuery(k=CANDIDATES * 2, text=text))
    avoiding = search(searcher, SearchQuery(k=CANDIDATES * 2, text=text, avoid=word))
    explained = [hit for hit in avoiding.hits if hit.parts.avoided is not None]
    assert explained
    assert all((hit.parts.avoided or 0) >= 0 for hit in explained)
    before = {hit.movie.movie_id: hit.rank for hit in plain.hits}
    worst = max(explained, key=lambda hit: hit.parts.avoided or 0)
    if worst.parts.avoided:
        assert worst.rank >= before[worst.movie.movie_id]


def test_an_avoided_word_leaves_the_first_page(searcher: Searcher) -> None:
    def holds(answer: SearchPage, word: str) -> int:
        movies = {movie.movie_id: movie for movie in MOVIES}
        texts = [[*movies[one].reviews, movies[one].title or ""] for one in ids(answer)]
        return sum(" ".join(text).count(word) for text in texts)

    plain = search(searcher, SearchQuery(text="murder on the island"))
    avoiding = search(searcher, SearchQuery(text="murder on the island", avoid="murder"))
    assert holds(plain, "murder") > holds(avoiding, "murder")


def test_a_movie_that_is_not_liked_lowers_its_twin_the_most(searcher: Searcher) -> None:
    query = SearchQuery(k=len(MOVIES), text=TWIN.reviews[0].split()[0])
    before = ids(search(searcher, query)).index(TWIN.movie_id)
    answer = search(searcher, replace(query, unlike=(MOVIE.movie_id,)))
    assert ids(answer).index(TWIN.movie_id) > before
    lost = {hit.movie.movie_id: hit.parts.avoided or 0 for hit in answer.hits}
    assert lost[TWIN.movie_id] == max(lost.values()) > 0


def test_liking_alone_is_a_search(searcher: Searcher) -> None:
    assert MOVIE.reviews == TWIN.reviews
    answer = searcher.search(SearchQuery(like=(MOVIE.movie_id,)))
    assert ids(answer)[0] == TWIN.movie_id
    assert answer.matched == len(MOVIES) - 1
    assert all(len(hit.evidence) == 1 for hit in answer.hits)


def test_the_semantic_mode_is_the_cosine(searcher: Searcher) -> None:
    cosines = searcher.snapshot.index.vectors() @ vector("a sad king")
    answer = search(searcher, SearchQuery(k=50, text="a sad king", mode="semantic"))
    order = np.lexsort((np.arange(len(MOVIES)), -cosines))[:50]
    assert [hit.movie.row for hit in answer.hits] == order.tolist()
    assert [hit.score for hit in answer.hits] == pytest.approx(cosines[order], abs=1e-4)


@pytest.mark.parametrize("movie", [movie for movie in MOVIES if movie.title][:40:8])
def test_a_title_finds_its_movie_first(searcher: Searcher, movie: SampleMovie) -> None:
    assert movie.title is not None
    assert ids(search(searcher, SearchQuery(text=movie.title.upper())))[0] == movie.movie_id


@pytest.mark.parametrize("mode", MODES)
def test_diversity_parts_twins(searcher: Searcher, mode: Mode) -> None:
    query = SearchQuery(text=" ".join(MOVIE.reviews), mode=mode)
    plain = ids(search(searcher, query))
    diverse = ids(search(searcher, replace(query, diversity=0.7)))
    assert abs(plain.index(MOVIE.movie_id) - plain.index(TWIN.movie_id)) == 1
    assert diverse[0] == plain[0]
    assert not {MOVIE.movie_id, TWIN.movie_id} <= set(diverse)


def test_an_unknown_movie_is_an_error(searcher: Searcher) -> None:
    with pytest.raises(UnknownMovie, match="tt9999"):
        searcher.search(SearchQuery(like=("tt9999",)))


def test_shared_evidence_is_the_nearest_pair(searcher: Searcher) -> None:
    catalogue = searcher.snapshot.catalogue
    one, other = catalogue.movie("tt0000"), catalogue.movie("tt0011")
    assert one is not None
    assert other is not None
    shared = searcher.shared_evidence(one, other)
    assert shared is not None
    mine, theirs, score = shared
    assert mine.review_id.startswith("tt0000-")
    assert theirs.review_id.startswith("tt0011-")
    pairs = [
        float(ENCODER.encode_passages([a.text])[0] @ ENCODER.encode_passages([b.text])[0])
        for a in catalogue.passages(range(one.passage_start, one.passage_start + one.passage_count))
        for b in catalogue.passages(
            range(other.passage_start, other.passage_start + other.passage_count)
        )
    ]
    assert score == pytest.approx(max(pairs), abs=0.02)
