"""Normal forms of texts with many marks: the same as ever for real texts, and bounded."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.marks import MAX_MARKS, normalised, with_few_marks

FORMS: tuple[Literal["NFC", "NFKC", "NFKD"], ...] = ("NFC", "NFKC", "NFKD")
MARKS = "\u0300\u0323\u0344\u3099\uff9e\u0f73"


@given(st.sampled_from(FORMS), st.text(max_size=60) | st.text(f"ae映한{MARKS}", max_size=MAX_MARKS))
def test_a_text_with_few_marks_is_as_unicode_says(
    form: Literal["NFC", "NFKC", "NFKD"], text: str
) -> None:
    assert normalised(form, text) == unicodedata.normalize(form, text)


@given(st.lists(st.sampled_from([*MARKS, "a", "映", " "]), max_size=200).map("".join))
def test_no_letter_keeps_more_marks_than_the_bound(text: str) -> None:
    run = longest = 0
    for char in unicodedata.normalize("NFKD", with_few_marks(text)):
        run = run + 1 if unicodedata.combining(char) else 0
        longest = max(longest, run)
    assert longest <= 2 * MAX_MARKS  # one of ``MARKS`` is two marks


def test_only_marks_are_left_out() -> None:
    text = "z" + "\u0323\u0300" * 100 + "algo 映画"
    assert with_few_marks(text) == "z" + "\u0323\u0300" * (MAX_MARKS // 2) + "algo 映画"


@pytest.mark.parametrize("text", ["plain", "café", "Ελληνικά" * 20, "映画" * 40, "e\u0301" * 100])
def test_real_texts_stay(text: str) -> None:
    assert with_few_marks(text) == text
