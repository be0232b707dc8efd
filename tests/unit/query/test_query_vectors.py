"""The cache of query vectors: correct, bounded, and separate for each encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.serving.metrics import Metrics
from services.query.serving.query_vectors import QueryVectors
from shared.encoder import Vectors
from tests.support.embedder.encoders import HashEncoder


class CountingEncoder(HashEncoder):
    """Records the texts that it encodes; fails on "bad"."""

    def __init__(self, salt: str = "") -> None:
        super().__init__(salt=salt)
        self.asked: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if "bad" in texts:
            raise ArithmeticError("a bad text")
        self.asked += texts
        return super().encode_queries(texts)


def count(metrics: Metrics, outcome: str) -> float:
    value = metrics.registry.get_sample_value(
        "movie_search_query_vectors_total", {"outcome": outcome}
    )
    return value or 0.0


@given(st.integers(0, 4), st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5)))
def test_vectors_are_those_of_the_encoder(capacity: int, batches: list[list[str]]) -> None:
    metrics = Metrics()
    vectors, encoder, plain = (
        QueryVectors(capacity, metrics=metrics),
        CountingEncoder(),
        HashEncoder(),
    )
    for texts in batches:
        np.testing.assert_array_equal(vectors.encode(encoder, texts), plain.encode_queries(texts))
        assert len(vectors._cache) <= capacity
    asked = sum(map(len, batches))
    assert count(metrics, "encoded") == len(encoder.asked)
    assert count(metrics, "remembered") == asked - len(encoder.asked)
    if capacity == 0:
        assert len(encoder.asked) == sum(len(set(texts)) for texts in batches)


def test_the_least_recently_used_goes_first() -> None:
    vectors, encoder = QueryVectors(2, metrics=Metrics()), CountingEncoder()
    for text in ("a", "b", "a", "c", "a", "b"):
        vectors.encode(encoder, [text])
    assert encoder.asked == ["a", "b", "c", "b"]


def test_another_encoder_encodes_again() -> None:
    vectors = QueryVectors(9, metrics=Metrics())
    old, new = CountingEncoder("old"), CountingEncoder("new")
    for encoder in (old, new, old, new):
        vectors.encode(encoder, ["a"])
    assert (old.asked, new.asked) == (["a"], ["a"])


def test_a_failed_batch_is_not_cached() -> None:
    vectors, encoder = QueryVectors(9, metrics=Metrics()), CountingEncoder()
    with pytest.raises(ArithmeticError):
        vectors.encode(encoder, ["good", "bad"])
    assert not vectors._cache
    vectors.encode(encoder, ["good"])
    assert encoder.asked == ["good"]


def test_a_cached_vector_does_not_keep_its_batch_alive() -> None:
    vectors = QueryVectors(1, metrics=Metrics())
    vectors.encode(CountingEncoder(), [f"text {n}" for n in range(8)])
    [kept] = vectors._cache.values()
    assert kept.base is None
