"""Load consists of distinct queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.catalogues.queries import MAX_CHARS, distinct, take

WORDS = st.text("abcdefgh", min_size=1, max_size=6)
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=12)


@given(TEXTS)
def test_no_query_comes_twice_and_real_ones_come_first(texts: list[str]) -> None:
    queries = take(texts, 300)
    assert len(set(queries)) == len(queries)
    assert set(queries[: len(set(texts))]) == set(texts)
    assert all(0 < len(text) <= MAX_CHARS for text in queries)


@given(TEXTS)
def test_joined_queries_have_the_same_words(texts: list[str]) -> None:
    words = {word for text in texts for word in text.split()}
    assert {word for text in take(texts, 100) for word in text.split()} <= words


def test_two_hundred_plots_are_enough_for_a_whole_run() -> None:
    texts = [f"a man {n} meets a woman {n + 1} in a town of {n} houses" for n in range(200)]
    assert len(take(texts, 30_000)) == 30_000


def test_the_same_seed_asks_the_same() -> None:
    texts = ["a quiet film", "a loud film about rain", "rain"]
    assert list(distinct(texts, seed=7)) == list(distinct(texts, seed=7))


def test_without_queries_there_is_no_load() -> None:
    with pytest.raises(ValueError, match="no queries"):
        take([], 5)
