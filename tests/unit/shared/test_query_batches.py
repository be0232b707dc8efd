from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.encoder.batches import cheapest_batches


def cost(batches: list[list[int]], lengths: list[int], inference_tokens: int) -> int:
    return sum(inference_tokens + len(batch) * max(lengths[n] for n in batch) for batch in batches)


def every_split(lengths: list[int]) -> list[list[list[int]]]:
    """All runs of the texts in order of length."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    cuts = [
        chosen
        for count in range(len(order))
        for chosen in combinations(range(1, len(order)), count)
    ]
    return [
        [order[a:b] for a, b in zip((0, *cut), (*cut, len(order)), strict=True)] for cut in cuts
    ]


@given(st.lists(st.integers(1, 256), min_size=1, max_size=8), st.integers(0, 300))
def test_every_text_is_in_one_batch_and_no_split_costs_less(
    lengths: list[int], inference_tokens: int
) -> None:
    batches = cheapest_batches(lengths, inference_tokens=inference_tokens)
    assert sorted(n for batch in batches for n in batch) == list(range(len(lengths)))
    least = min(cost(split, lengths, inference_tokens) for split in every_split(lengths))
    assert cost(batches, lengths, inference_tokens) == least


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [([], []), ([8], [1]), ([8] * 8, [8]), ([8, 8, 8, 256], [1, 3]), ([90, 96], [2])],
)
def test_like_lengths_go_together_and_a_long_one_alone(
    lengths: list[int], sizes: list[int]
) -> None:
    batches = cheapest_batches(lengths, inference_tokens=48)
    assert sorted(map(len, batches)) == sizes
