"""BM25 of terms and pairs against a plain computation from documents."""

from __future__ import annotations

import math
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.ranking.bm25 import PAIR_WEIGHT, bm25, idf, pair_weights
from tests.support.query.plain_bm25 import Document, plain_bm25

WORDS = ["rain", "ship", "love", "war", "joke", "quiet"]
phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9)
documents = st.lists(st.lists(phrases, min_size=1, max_size=4), min_size=1, max_size=9)


def scored(corpus: list[Document], query: list[str]) -> list[float]:
    terms = list(dict.fromkeys(query))
    pairs = list(dict.fromkeys(pairwise(query)))
    said = [list(chain.from_iterable(document)) for document in corpus]
    together = [list(chain.from_iterable(map(pairwise, document))) for document in corpus]
    counts = [
        [*map(words.count, terms), *map(neighbours.count, pairs)]
        for words, neighbours in zip(said, together, strict=True)
    ]
    weights = idf(np.array([sum(term in words for words in said) for term in terms]), len(corpus))
    if pairs:
        places = np.array([[terms.index(term) for term in pair] for pair in pairs])
        weights = np.concatenate([weights, pair_weights(weights, places)])
    lengths = np.array([len(words) for words in said], np.float64)
    scores: list[float] = bm25(np.array(counts), weights, lengths / lengths.mean()).tolist()
    return scores


@given(documents, phrases)
def test_scores_are_those_of_a_plain_computation(corpus: list[Document], query: list[str]) -> None:
    assert scored(corpus, query) == pytest.approx(plain_bm25(corpus, [query]))


def test_neighbours_count_more_than_words_apart() -> None:
    near, apart = scored([[["quiet", "ship"]], [["ship"], ["quiet"]]], ["quiet", "ship"])
    assert near > apart > 0


def test_twice_as_much_text_with_twice_the_words_scores_the_same() -> None:
    one, other = scored([[["war", "joke"]], [["war", "joke"]] * 2], ["war"])
    assert one == pytest.approx(other)


def test_a_weight_is_never_negative_also_when_removed_movies_are_counted() -> None:
    weights = idf(np.array([0, 1, 9, 10, 12]), 10)
    assert weights[0] == pytest.approx(math.log(22))
    assert (np.diff(weights) <= 0).all()
    assert weights[-1] > 0


def test_a_pair_weighs_what_its_terms_do_together() -> None:
    weights = pair_weights(np.array([1.0, 2.0, 4.0]), np.array([[0, 2], [1, 1]]))
    assert weights.tolist() == pytest.approx([PAIR_WEIGHT * 5, PAIR_WEIGHT * 4])
