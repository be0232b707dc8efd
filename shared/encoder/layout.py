"""How texts lie in the rows of one inference.

A graph that *packs* takes several texts in a row, one after the other, and keeps them apart: each
token attends to those of its own text only, and positions begin anew with each text. Texts of
different lengths then need hardly any padding ("packing": Krell et al., arXiv:2107.02027). A graph
that does not gets one text a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROW_TOKENS = 128  # a row's attention grows with its square: longer ones cost more than they save
WIDTH_STEP = 8
"""Widths are multiples of it: the runtime prepares for every shape, which takes as long as some
inferences, and keeps about 1 MB of each."""

PLAIN_INPUTS = ("input_ids", "attention_mask")
PACKED_INPUTS = ("input_ids", "position_ids", "segment_ids", "token_places", "attention_mask")
"""What a graph is given; the last two lay the tokens out again, one text a row, to be pooled.

``input_ids``, ``position_ids`` and ``segment_ids`` have shape ``(rows, width)``; segments count
from 1, and 0 is padding. ``token_places`` and ``attention_mask`` have shape ``(texts, width)``; the
longest text's length in place of the width would make many more shapes. A place is
``row * width + column``.
"""

Inputs = dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of one width, and the row and column where each text begins."""

    rows: int
    width: int
    places: Sequence[tuple[int, int]]


def one_a_row(lengths: Sequence[int], *, width: int) -> Layout:
    """Every text in a row of its own.

    Args:
        lengths: Tokens of each text, none more than ``width``.
        width: Of the rows.
    """
    return Layout(len(lengths), width, [(n, 0) for n in range(len(lengths))])


def packed(lengths: Sequence[int]) -> Layout:
    """Several texts in a row, in the rows that cost least: best fit, the longest first.

    Args:
        lengths: Tokens of each text; at least one text.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    # Several texts come in so many ways that fewer widths are worth some padding.
    step = WIDTH_STEP if len(lengths) == 1 else 2 * WIDTH_STEP
    least = -(-lengths[order[0]] // step) * step
    most = max(least, min(ROW_TOKENS, sum(lengths) + step - 1))
    layouts = (_fitted(lengths, order, width) for width in range(least, most + 1, step))
    return min(layouts, key=_cost)


def _fitted(lengths: Sequence[int], order: Sequence[int], width: int) -> Layout:
    ends: list[int] = []  # of the rows
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
    # Tokens, and their attention: a row of 128 costs 7 % more a token than two of 64.
    return layout.rows * layout.width * (1000 + layout.width)


def plain_inputs(ids: Sequence[Sequence[int]], layout: Layout) -> Inputs:
    """What a graph that does not pack is given; the layout has one text a row."""
    tokens = np.zeros((layout.rows, layout.width), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for n, row in enumerate(ids):
        tokens[n, : len(row)] = row
        mask[n, : len(row)] = 1
    return dict(zip(PLAIN_INPUTS, (tokens, mask), strict=True))


def packed_inputs(ids: Sequence[Sequence[int]], layout: Layout) -> Inputs:
    """What a graph that packs is given."""
    tokens = np.zeros((layout.rows, layout.width), dtype=np.int64)
    positions, segments = np.zeros_like(tokens), np.zeros_like(tokens)
    places = np.zeros((len(ids), layout.width), dtype=np.int64)
    mask = np.zeros_like(places)
    counted = np.arange(layout.width)
    for n, (row, (at, begin)) in enumerate(zip(ids, layout.places, strict=True)):
        length = len(row)
        own = slice(begin, begin + length)
        tokens[at, own] = row
        positions[at, own] = counted[:length]
        segments[at, own] = n + 1
        places[n, :length] = at * layout.width + begin + counted[:length]
        mask[n, :length] = 1
    return dict(zip(PACKED_INPUTS, (tokens, positions, segments, places, mask), strict=True))
