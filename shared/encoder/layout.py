"""Lays texts out in the rows of one inference.

A graph that *packs* takes several texts in one row, one after the other, and keeps them separate:
each token attends only to tokens of the same text, and positions restart with each text. Texts of
different lengths then need hardly any padding ("packing": Krell et al., arXiv:2107.02027). Any
other graph gets one text in each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROW_TOKENS = 128  # attention grows with the square of a row: longer rows cost more than they save
WIDTH_STEP = 8
"""Widths are multiples of this: OpenVINO prepares each new shape, which takes as long as several
inferences, and keeps about 1 MB for each."""

PLAIN_INPUTS = ("input_ids", "attention_mask")
PACKED_INPUTS = ("input_ids", "position_ids", "segment_ids", "token_places", "attention_mask")
"""Names of a graph's inputs; the last two lay the tokens out again for pooling, one text in a row.

``input_ids``, ``position_ids`` and ``segment_ids`` have shape ``(rows, width)``; segments count
from 1, and 0 is padding. ``token_places`` and ``attention_mask`` have shape ``(texts, width)``;
using the longest text's length instead of the width would make many more shapes. A place is
``row * width + column``.
"""

Inputs = dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows of one inference.

    Attributes:
        rows: Number of rows.
        width: Number of tokens of each row.
        places: Row and column where each text begins.
    """

    rows: int
    width: int
    places: Sequence[tuple[int, int]]


def one_a_row(lengths: Sequence[int], *, width: int) -> Layout:
    """Lay out one text in each row.

    Args:
        lengths: Number of tokens of each text, at most ``width``.
        width: Number of tokens of each row.
    """
    return Layout(len(lengths), width, [(n, 0) for n in range(len(lengths))])


def packed(lengths: Sequence[int]) -> Layout:
    """Lay out several texts in each row, at the lowest cost: best fit, the longest text first.

    Args:
        lengths: Number of tokens of each text; at least one text.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    # Several texts make so many shapes that fewer widths are worth some padding.
    step = WIDTH_STEP if len(lengths) == 1 else 2 * WIDTH_STEP
    least = -(-lengths[order[0]] // step) * step
    most = max(least, min(ROW_TOKENS, sum(lengths) + step - 1))
    layouts = (_fitted(lengths, order, width) for width in range(least, most + 1, step))
    return min(layouts, key=_cost)


def _fitted(lengths: Sequence[int], order: Sequence[int], width: int) -> Layout:
    ends: list[int] = []  # used tokens of each row
    places = [(0, 0)] * len(lengths)
    for n in order:
        fullest = -1
        for row, end in enumerate(ends):
            if end + lengths[n] <= width and (fullest < 0 or end > ends[fullest]):
                fullest = row
        if fullest < 0:
            fullest = len(ends)
            ends.append(0)
        places[n] = (fullest, ends[fullest])
        ends[fullest] += lengths[n]
    return Layout(len(ends), width, places)


def _cost(layout: Layout) -> int:
    # Tokens and their attention: a row of 128 costs 7 % more per token than two rows of 64.
    return layout.rows * layout.width * (1000 + layout.width)


def plain_inputs(ids: Sequence[Sequence[int]], layout: Layout) -> Inputs:
    """Build the inputs of a graph that does not pack.

    Args:
        ids: Token ids of each text.
        layout: A layout with one text in each row.
    """
    tokens = np.zeros((layout.rows, layout.width), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for n, row in enumerate(ids):
        tokens[n, : len(row)] = row
        mask[n, : len(row)] = 1
    return dict(zip(PLAIN_INPUTS, (tokens, mask), strict=True))


def packed_inputs(ids: Sequence[Sequence[int]], layout: Layout, unpooled: int = 0) -> Inputs:
    """Build the inputs of a graph that packs.

    Args:
        ids: Token ids of each text.
        layout: Positions of the texts in the rows.
        unpooled: How many tokens at the beginning of each text are not pooled.
    """
    tokens = np.zeros((layout.rows, layout.width), dtype=np.int64)
    positions, segments = np.zeros_like(tokens), np.zeros_like(tokens)
    places = np.zeros((len(ids), layout.width), dtype=np.int64)
    mask = np.zeros_like(places)
    counted = np.arange(layout.width)
    for n, (row, (at, begin)) in enumerate(zip(ids, layout.places, strict=True)):
        length = len(row)
        columns = slice(begin, begin + length)
        tokens[at, columns] = row
        positions[at, columns] = counted[:length]
        segments[at, columns] = n + 1
        places[n, :length] = at * layout.width + begin + counted[:length]
        mask[n, min(unpooled, length - 1) : length] = 1
    return dict(zip(PACKED_INPUTS, (tokens, positions, segments, places, mask), strict=True))
