"""Where texts lie in the rows of one inference."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.encoder.layout import (
    ROW_TOKENS,
    WIDTH_STEP,
    Layout,
    one_a_row,
    packed,
    packed_inputs,
    plain_inputs,
)

texts = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=200), min_size=1, max_size=12)


@given(texts)
def test_every_text_has_a_place_of_its_own(ids: list[list[int]]) -> None:
    layout = packed([len(row) for row in ids])
    taken = np.zeros((layout.rows, layout.width), dtype=int)
    for row, (at, begin) in zip(ids, layout.places, strict=True):
        assert begin + len(row) <= layout.width
        taken[at, begin : begin + len(row)] += 1
    assert taken.max() == 1
    assert taken.any(axis=1).all()  # no row is empty


@given(texts)
def test_rows_are_no_longer_than_they_need_to_be(ids: list[list[int]]) -> None:
    lengths = [len(row) for row in ids]
    layout = packed(lengths)
    assert layout.width % WIDTH_STEP == 0
    step = WIDTH_STEP if len(lengths) == 1 else 2 * WIDTH_STEP
    assert layout.width < max(ROW_TOKENS + 1, max(lengths) + step)
    width = -(-max(lengths) // step) * step
    assert layout.rows * layout.width <= 1.2 * len(lengths) * width


def test_texts_of_unlike_lengths_share_rows() -> None:
    layout = packed([100, 20, 60, 40])
    assert layout == Layout(2, 128, [(0, 0), (0, 100), (1, 0), (1, 60)])
    assert packed([7]) == Layout(1, 8, [(0, 0)])


@given(texts)
def test_a_packing_graph_is_told_whose_every_token_is(ids: list[list[int]]) -> None:
    layout = packed([len(row) for row in ids])
    given_ = packed_inputs(ids, layout)
    segments, flat = given_["segment_ids"], given_["input_ids"].ravel()
    assert (segments > 0).sum() == sum(map(len, ids))
    for n, row in enumerate(ids):
        places = given_["token_places"][n][given_["attention_mask"][n] == 1]
        assert flat[places].tolist() == row
        assert given_["position_ids"].ravel()[places].tolist() == list(range(len(row)))
        assert set(segments.ravel()[places]) == {n + 1}


@given(texts)
def test_a_plain_graph_gets_one_text_a_row(ids: list[list[int]]) -> None:
    width = max(map(len, ids))
    given_ = plain_inputs(ids, one_a_row([len(row) for row in ids], width=width))
    for row, tokens, mask in zip(ids, given_["input_ids"], given_["attention_mask"], strict=True):
        assert tokens[mask == 1].tolist() == row
        assert tokens.shape == (width,)
