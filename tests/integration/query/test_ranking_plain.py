"""The hybrid ranking and its evidence against a plain computation, on random catalogues.

The plain computation scores every movie and every passage, in float64, one after the other; the
searcher must find the same with all of its optimisations.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.retrieval.ranking import scoring
from shared.retrieval.searcher import CANDIDATES, Searcher, SearchQuery
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.writer import FACTS_WEIGHT
from shared.text.phrases import phrases
from shared.text.terms import terms
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.plain_bm25 import plain_bm25
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder
from tests.support.soak import examples, times

WORDS = (
    *("rain", "neon", "boxer", "stairs", "robot", "ships", "quiet", "loud", "funny", "sad"),
    *("loving", "war", "trains", "snow", "desert", "city", "kings", "child", "ghost", "danced"),
    *("money", "letter", "dream", "river", "island", "murder", "band", "teacher", "horse", "moon"),
)
ENCODER = HashEncoder()
NEAR = 1e-5  # float32 against float64


def movies(seed: int, count: int) -> list[SampleMovie]:
    """Some are twins of the movie before, and some have one passage only."""
    dice = random.Random(seed)
    made: list[SampleMovie] = []
    for n in range(count):
        reviews = [
            " ".join(". ".join(dice.choices(WORDS, k=dice.randint(1, 9))) for _ in range(2))
            for _ in range(dice.randint(1, 4))
        ]
        if made and dice.random() < 0.1:
            reviews = list(made[-1].reviews)
        made.append(SampleMovie(f"tt{n:04}", reviews, title=f"Movie {n}"))
    return made


@dataclass(frozen=True)
class Plain:
    """Scores of the candidates by row, the cosines of their passages, and their BM25 scores."""

    scores: dict[int, float]
    passages: dict[int, np.ndarray]
    lexical: dict[int, float]


def document(movie: SampleMovie) -> list[list[str]]:
    title = phrases(movie.title or "")
    return [phrase for text in movie.reviews for phrase in phrases(text)] + title * FACTS_WEIGHT


def plain(corpus: list[SampleMovie], searcher: Searcher, text: str, query: np.ndarray) -> Plain:
    snapshot = searcher.snapshot
    count = snapshot.index.rows
    wide = query.astype(np.float64)
    pooled = snapshot.index.vectors().astype(np.float64) @ wide
    scores, rows = snapshot.lexical.search(terms(text), count)
    tantivys = dict(zip(rows.tolist(), scores.tolist(), strict=True))

    def best(score: Callable[[int], float], among: Iterator[int]) -> list[int]:
        return sorted(among, key=lambda row: (-score(row), row))[:CANDIDATES]

    # Twins are equal to the last bit in float32 too; near ties at the cut are not tested.
    cut = np.sort(pooled)[::-1][CANDIDATES - 1 : CANDIDATES + 1]
    assume(len(cut) < 2 or cut[0] == cut[1] or cut[0] - cut[1] > NEAR)
    near = best(lambda row: float(pooled[row]), iter(range(count)))
    sharing = best(lambda row: tantivys[row], iter(tantivys))
    candidates = sorted({*near, *sharing})
    passages = {row: snapshot.passages.vectors(row).astype(np.float64) @ wide for row in candidates}
    dense = [
        scoring.POOLED_WEIGHT * pooled[row]
        + np.mean(np.sort(passages[row])[-scoring.TOP_PASSAGES :])
        for row in candidates
    ]
    if snapshot.term_counts is None:
        bm25 = [tantivys.get(row, 0.0) for row in candidates]
    else:
        lexical = plain_bm25([document(movie) for movie in corpus], phrases(text))
        bm25 = [lexical[row] for row in candidates]
    weight = scoring.DENSE_WEIGHT
    if snapshot.term_counts is not None:
        weight = scoring.DENSE_WEIGHT_BESIDE_PAIRS
    fused = weight * z(dense) + (1 - weight) * z(bm25)
    return Plain(
        dict(zip(candidates, fused.tolist(), strict=True)),
        passages,
        dict(zip(candidates, bm25, strict=True)),
    )


def z(values: list[float]) -> np.ndarray:
    array = np.array(values)
    spread = array.std()
    return (array - array.mean()) / spread if spread > 1e-9 else np.zeros(len(array))


class Case:
    """Random movies, and a searcher of their snapshot, which may be of an earlier version."""

    def __init__(self, movies: list[SampleMovie], searcher: Searcher) -> None:
        self.movies = movies
        self.searcher = searcher

    def __repr__(self) -> str:
        return f"{len(self.movies)} movies"


@pytest.fixture(
    scope="module",
    params=[(1, 40, True), (2, 260, True), (3, 260, False)],
    ids=["40 movies", "260 movies", "260 movies without term counts"],
)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    seed, count, counted = request.param
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    seed += random.randrange(1000) if times(0, soak=1) else 0  # different movies in each soak
    corpus = movies(seed, count)
    manifest = SnapshotBuilder(store, ENCODER).publish(corpus, mapped=False)
    snapshot = open_snapshot(store, manifest.snapshot_id)
    if not counted:
        snapshot = replace(snapshot, term_counts=None)
    with closing(snapshot.catalogue):
        yield Case(corpus, Searcher(snapshot))


@settings(max_examples=examples(60))
@given(words=st.lists(st.sampled_from([*WORDS, "of", "the"]), min_size=1, max_size=12))
def test_the_searcher_finds_what_a_look_at_everything_does(case: Case, words: list[str]) -> None:
    text = " ".join(words)
    [query] = ENCODER.encode_queries([text])
    expected = plain(case.movies, case.searcher, text, query)
    count = len(expected.scores)
    hits = case.searcher.search(SearchQuery(k=count, text=text, vector=query)).hits
    rows = [hit.movie.row for hit in hits]
    assert sorted(rows) == sorted(expected.scores)
    scores = np.array([expected.scores[row] for row in rows])
    assert scores == pytest.approx(sorted(expected.scores.values(), reverse=True), abs=NEAR)
    # Movies with the same reviews may come in any order: a matrix product may differ in its last
    # bit between equal rows.
    for hit in hits:
        shown = 1 / (1 + np.exp(-expected.scores[hit.movie.row]))
        assert hit.score == pytest.approx(shown, abs=2e-4)
        assert hit.parts.lexical == pytest.approx(expected.lexical[hit.movie.row], abs=2e-4)
        cosines = expected.passages[hit.movie.row]
        assert hit.parts.passages == pytest.approx(
            np.mean(np.sort(cosines)[-scoring.TOP_PASSAGES :]), abs=2e-4
        )
    # The nearest passage is shown unless it contradicts the text; then another one, or none.
    nearest = 0
    for hit in hits:
        cosines = expected.passages[hit.movie.row]
        for evidence in hit.evidence:
            place = evidence.passage.row - hit.movie.passage_start
            assert evidence.score == pytest.approx(min(1, cosines[place]), abs=2e-4)
            nearest += cosines[place] >= cosines.max() - NEAR
    assert nearest >= len(hits) / 2


@settings(max_examples=examples(30))
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_a_lexical_search_scores_the_best_again_and_keeps_the_others(
    case: Case, words: list[str]
) -> None:
    text = " ".join(words)
    snapshot, count = case.searcher.snapshot, len(case.movies)
    scores, rows = snapshot.lexical.search(terms(text), count)
    expected = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    if snapshot.term_counts is not None:
        again = plain_bm25([document(movie) for movie in case.movies], phrases(text))
        expected |= {row: again[row] for row in rows[:CANDIDATES].tolist()}
    query = SearchQuery(k=count, text=text, mode="lexical", evidence=0)
    hits = case.searcher.search(query).hits
    head, tail = hits[:CANDIDATES], hits[CANDIDATES:]
    assert {hit.movie.row for hit in head} == set(rows[:CANDIDATES].tolist())
    assert [hit.movie.row for hit in tail] == rows[CANDIDATES:].tolist()
    assert [hit.score for hit in head] == pytest.approx(
        [expected[hit.movie.row] for hit in head], abs=2e-4
    )
    lowest = head[-1].score if head else 0.0
    assert [hit.score for hit in tail] == pytest.approx(
        [min(lowest, expected[hit.movie.row]) for hit in tail], abs=2e-4
    )
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@settings(max_examples=examples(20))
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), most=st.integers(2, 5))
def test_more_evidence_is_of_different_reviews_and_the_nearest(
    case: Case, words: list[str], most: int
) -> None:
    text = " ".join(words)
    [query] = ENCODER.encode_queries([text])
    hits = case.searcher.search(SearchQuery(text=text, vector=query, evidence=most)).hits
    expected = plain(case.movies, case.searcher, text, query).passages
    for hit in hits:
        cosines = expected[hit.movie.row]
        assert len(hit.evidence) == min(most, len(cosines))
        places = [item.passage.row - hit.movie.passage_start for item in hit.evidence]
        shown = [item.score for item in hit.evidence]
        assert np.minimum(1, cosines[places]) == pytest.approx(shown, abs=2e-4)
        assert cosines[places[0]] == pytest.approx(cosines.max(), abs=NEAR)
        reviews = [item.passage.review_id for item in hit.evidence]
        assert len(set(reviews)) == min(most, len(reviews), hit.movie.review_count)
