"""Phrases of texts."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.phrases import phrases
from shared.text.terms import terms

marks = st.sampled_from([". ", "! ", "?", "... ", "…", "; ", ": ", "。", "；", "\n", "'s ", "’s. "])
words = st.text(max_size=12) | st.sampled_from(
    ["Don't", "3.5", "U.S.A", "乱", "👻", "Amélie", "the"]
)
texts = st.text() | st.lists(words | marks).map("".join)


@given(texts)
def test_no_term_is_lost_or_added(text: str) -> None:
    found = phrases(text)
    assert list(chain.from_iterable(found)) == terms(text)
    assert all(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("...", []),
        ("A quiet ship", [["quiet", "ship"]]),
        ("Quiet. A ship sails! Why? Rain; wind: snow", [
            ["quiet"], ["ship", "sail"], ["why"], ["rain"], ["wind"], ["snow"],
        ]),
        ("Rated 3.5 of the U.S. today", [["rate", "3", "5", "u", "s"], ["today"]]),
        ("one\ntwo", [["one"], ["two"]]),
        ("静か。船", [["静か"], ["船"]]),
        ("quiet, slow ship", [["quiet", "slow", "ship"]]),
    ],
)  # fmt: skip
def test_a_mark_at_the_end_of_a_word_ends_a_phrase(text: str, expected: list[list[str]]) -> None:
    assert phrases(text) == expected
