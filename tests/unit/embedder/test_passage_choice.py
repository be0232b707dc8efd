"""The passages of popular movies: few, the same each time, and near everything that is said."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.publishing.passage_choice import COMPARED, chosen_passages
from shared.snapshot.writer import EncodedReview, passage_vectors
from shared.text.passages import Span

DIM = 16


def reviews_of(counts: list[int], seed: int = 0) -> list[EncodedReview]:
    """Reviews with so many passages of random directions."""
    random = np.random.default_rng(seed)
    return [
        EncodedReview(
            review_id=f"r{n:05}",
            text="word " * count,
            spans=[Span(5 * place, 5 * place + 4) for place in range(count)],
            vectors=unit(random.normal(size=(count, DIM))),
        )
        for n, count in enumerate(counts)
    ]


def unit(rows: np.ndarray) -> np.ndarray:
    made: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    return made


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 60))
def test_at_most_so_many_are_chosen_of_the_same_reviews(counts: list[int], most: int) -> None:
    reviews = reviews_of(counts)
    chosen = chosen_passages(reviews, most)
    assert [one.review_id for one in chosen] == [one.review_id for one in reviews]
    assert [one.text for one in chosen] == [one.text for one in reviews]
    assert sum(len(one.spans) for one in chosen) == min(most, sum(counts))
    for one, whole in zip(chosen, reviews, strict=True):
        assert len(one.vectors) == len(one.spans)
        places = [whole.spans.index(span) for span in one.spans]
        assert places == sorted(set(places))
        assert np.array_equal(one.vectors, whole.vectors[places])
    again = chosen_passages(reviews, most)
    assert [one.spans for one in again] == [one.spans for one in chosen]


def test_what_few_viewers_say_is_kept() -> None:
    # 300 viewers say much the same, and one says something quite different.
    reviews = reviews_of([4] * 300, seed=1)
    common = np.ones(DIM)
    for review in reviews:
        review.vectors[:] = unit(common + 0.1 * review.vectors.astype(np.float64))
    rare = unit(-common[np.newaxis])
    reviews[151].vectors[0] = rare[0]
    kept = passage_vectors(chosen_passages(reviews, 400), DIM).astype(np.float32)
    assert (kept @ rare[0].astype(np.float32)).max() > 0.99


def test_every_passage_is_near_a_chosen_one() -> None:
    random = np.random.default_rng(2)
    topics = unit(random.normal(size=(30, DIM))).astype(np.float64)
    reviews = reviews_of([3] * 100)
    for review in reviews:
        said = topics[random.integers(30, size=3)]
        review.vectors[:] = unit(said + 0.05 * random.normal(size=(3, DIM)))
    everything = passage_vectors(reviews, DIM).astype(np.float32)
    kept = passage_vectors(chosen_passages(reviews, 75), DIM).astype(np.float32)
    assert len(everything) <= 75 * COMPARED  # so that all of them are compared
    assert (everything @ kept.T).max(axis=1).min() > 0.9


def test_thousands_of_reviews_with_one_passage_each() -> None:
    chosen = chosen_passages(reviews_of([1] * 10_000), 400)
    assert sum(len(one.spans) for one in chosen) == 400
    numbers = [n for n, one in enumerate(chosen) if one.spans]
    assert numbers[0] < 1_000
    assert numbers[-1] > 9_000  # from all over the movie
