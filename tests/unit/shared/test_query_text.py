from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.query_text import MAX_QUERY_CHARS, clean


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  funny \t and\n sad ", "funny and sad"),
        ("\u00a0funny\u3000film", "funny film"),
        ("ｆｕｎｎｙ", "funny"),
        ("ﬁlm noir", "film noir"),
        ("zero\u200bwidth", "zerowidth"),
        ("\u202efunny\u202c", "funny"),
        ("come\u200b\u0301die", "com\u00e9die"),
        ("愛と死", "愛と死"),
        ("1984", "1984"),
        ("???", "???"),
        ("😀", "😀"),
    ],
)
def test_cleans(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "\n\t",
        "\u200b\u200d\ufeff",
        "\u202e\u2066",
        "\u00a0\u3000",
        "\u2800",
        "\u3164",
        "\u115f\uffa0",
        "\ufe0f",
        "\u0301",
        "a\x00b",
        "\x1b[31mred",
        "bell\x07",
        "delete\x7f",
        "next\x85line",
        "\ud800",
        "half \udfff pair",
    ],
)
def test_refuses(typed: str) -> None:
    with pytest.raises(ValueError, match=r"visible|not allowed") as refused:
        clean(typed)
    if typed.strip():
        assert typed not in str(refused.value)


@given(st.text(max_size=MAX_QUERY_CHARS))
def test_what_is_cleaned_is_visible_bounded_and_stays_as_it_is(typed: str) -> None:
    try:
        cleaned = clean(typed)
    except ValueError:
        return
    assert 0 < len(cleaned) <= MAX_QUERY_CHARS
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in cleaned)
    assert clean(cleaned) == cleaned


def test_a_text_that_grows_is_cut() -> None:
    assert len(clean("\ufdfa" * MAX_QUERY_CHARS)) <= MAX_QUERY_CHARS
