"""The lexical index on real files, against plain computations."""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.record import MovieRecord
from shared.snapshot.files.lexical import LexicalIndex, LexicalWriter
from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.snapshot.writer import FACTS_WEIGHT, lexical_phrases
from tests.support.soak import examples

K1, B = 1.2, 0.75


def build(folder: Path, documents: list[list[str]]) -> LexicalIndex:
    with LexicalWriter(folder / "lexical") as writer:
        for row, terms in enumerate(documents):
            writer.add(row, terms)
    return LexicalIndex(folder / "lexical", rows=len(documents))


def bm25(documents: list[list[str]], query: list[str]) -> dict[int, float]:
    """BM25 as Robertson and Zaragoza (2009) have it, with Lucene's idf."""
    count = len(documents)
    average = sum(map(len, documents)) / count
    scores: dict[int, float] = {}
    for term in dict.fromkeys(query):
        holding = sum(term in document for document in documents)
        idf = math.log(1 + (count - holding + 0.5) / (holding + 0.5))
        for row, document in enumerate(documents):
            times = Counter(document)[term]
            if times:
                norm = K1 * (1 - B + B * len(document) / average)
                scores[row] = scores.get(row, 0) + idf * times * (K1 + 1) / (times + norm)
    return scores


WORDS = ["rain", "ship", "love", "war", "joke", "quiet"]
# Up to 39 terms a document: tantivy stores lengths up to there exactly.
documents = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=39), min_size=1, max_size=12
)


@settings(max_examples=examples(40))
@given(documents, st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.data())
def test_scores_are_bm25_also_among_some(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[list[str]],
    query: list[str],
    data: st.DataObject,
) -> None:
    index = build(tmp_path_factory.mktemp("lexical"), corpus)
    expected = bm25(corpus, query)
    scores, rows = index.search(query, len(corpus))
    assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == pytest.approx(
        expected, rel=1e-4
    )
    assert (np.diff(scores) <= 1e-6).all()
    among = np.array(sorted(data.draw(st.sets(st.integers(0, len(corpus) - 1)))), dtype=np.int64)
    scores, rows = index.search(query, len(corpus), among=among)
    assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == pytest.approx(
        {row: score for row, score in expected.items() if row in among}, rel=1e-4
    )


def test_a_movies_document_is_its_reviews_and_its_facts_thrice() -> None:
    movie = MovieRecord(
        "tt1", title="Chaos", year=2003, directors=("Akira Kurosawa",),
        description="A warlord leaves.",
    )  # fmt: skip
    reviews = ["The warlord rages.", "Grim"]
    document = Counter(chain(*lexical_phrases(movie, reviews)))
    facts = ("chao", "2003", "2000s", "00s", "akira", "kurosawa", "leave")
    assert document == dict.fromkeys(facts, FACTS_WEIGHT) | {
        "warlord": FACTS_WEIGHT + 1, "rage": 1, "grim": 1,
    }  # fmt: skip
    without = Counter(chain(*lexical_phrases(movie, reviews, leave_out_description=True)))
    assert document - without == Counter({"leave": FACTS_WEIGHT, "warlord": FACTS_WEIGHT})
    assert lexical_phrases(MovieRecord("tt2"), ["Grim"]) == [["grim"]]


def test_neighbours_are_within_a_sentence_and_within_a_fact() -> None:
    movie = MovieRecord("tt1", directors=("Akira Kurosawa",), genres=("Drama", "War"))
    assert lexical_phrases(movie, ["The warlord rages. Grim men fall."]) == [
        ["warlord", "rage"], ["grim", "man", "fall"],
        *[["akira", "kurosawa"], ["drama"], ["war"]] * FACTS_WEIGHT,
    ]  # fmt: skip


def test_what_shares_no_term_is_not_found(tmp_path: Path) -> None:
    index = build(tmp_path, [["rain"], ["ship"]])
    for query in ([], ["nothing"], ["AND"], ['"'], ["rain:ship"]):
        assert len(index.search(query, 5)[1]) == 0
    assert index.search(["rain", "rain"], 5)[1].tolist() == [0]


def test_readers_leave_no_trace_in_the_folder(tmp_path: Path) -> None:
    build(tmp_path, [["rain"]])
    folder = tmp_path / "lexical"
    before = sorted(path.name for path in folder.iterdir())
    assert LexicalIndex(folder, rows=1).search(["rain"], 1)[1].tolist() == [0]
    assert sorted(path.name for path in folder.iterdir()) == before
    assert not [name for name in before if name.endswith(".lock")]


def test_another_number_of_movies_is_corrupt(tmp_path: Path) -> None:
    build(tmp_path, [["rain"]])
    with pytest.raises(SnapshotCorrupt, match="holds 1 movies, not 2"):
        LexicalIndex(tmp_path / "lexical", rows=2)
