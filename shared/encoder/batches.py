"""Which texts are encoded together: padding costs, and so does every inference."""

from __future__ import annotations

from collections.abc import Sequence

BATCH_TOKENS = 8192
MAX_BATCH = 64
TEXTS_PACKED = 8  # texts of queries in one inference; more together gain little


def bulk_batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in batches of like length, ``BATCH_TOKENS`` padded tokens at the most each."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    batches: list[list[int]] = []
    for n in order:
        if batches:
            batch = batches[-1]
            width = max(1, lengths[batch[0]])
            if len(batch) < MAX_BATCH and (len(batch) + 1) * width <= BATCH_TOKENS:
                batch.append(n)
                continue
        batches.append([n])
    return batches


def cheapest_batches(lengths: Sequence[int], *, inference_tokens: int) -> list[list[int]]:
    """Indices in the batches that cost least together.

    A batch costs ``inference_tokens`` and its padded size: as many tokens as its longest text has,
    for each of its texts. Sorted by length, every batch of the best split is a run.

    Args:
        lengths: Tokens of each text.
        inference_tokens: What an inference costs by itself, in tokens.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    # least[n]: the cost of the n shortest; cut[n]: where the last of their batches begins.
    least, cut = [0], [0]
    for end in range(1, len(order) + 1):
        width = lengths[order[end - 1]]
        costs = [least[n] + inference_tokens + (end - n) * width for n in range(end)]
        least.append(min(costs))
        cut.append(costs.index(least[-1]))
    batches: list[list[int]] = []
    end = len(order)
    while end:
        batches.append(order[cut[end] : end])
        end = cut[end]
    return batches
