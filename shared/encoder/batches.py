"""Groups texts into batches: padding costs time, and so does every inference."""

from __future__ import annotations

from collections.abc import Sequence

BATCH_TOKENS = 8192
MAX_BATCH = 64
TEXTS_PACKED = 8  # query texts in one inference; larger batches gain little


def bulk_batches(lengths: Sequence[int]) -> list[list[int]]:
    """Group texts of similar length, with at most ``BATCH_TOKENS`` padded tokens in each batch.

    Args:
        lengths: Number of tokens of each text.

    Returns:
        The indices of the texts of each batch, the longest texts first.
    """
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
    """Group texts into the batches with the lowest total cost.

    A batch costs ``inference_tokens`` plus its padded size: the length of its longest text for each
    of its texts. In order of length, every batch of the best split is a contiguous run.

    Args:
        lengths: Number of tokens of each text.
        inference_tokens: Fixed cost of an inference, in tokens.

    Returns:
        The indices of the texts of each batch.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    # least[n] is the cost of the n shortest texts; cut[n] is the start of the last batch of these.
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
