"""Cleans queries as people type them before they are encoded. Pure."""

from __future__ import annotations

import re
import unicodedata

from shared.text.marks import normalised

MAX_QUERY_CHARS = 512
_SPACE = re.compile(r"\s+")
# Letters and symbols by category, but invisible: Hangul fillers, braille blank.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_TYPED_SPACE = frozenset("\t\n\r")


def clean(text: str) -> str:
    """Normalise a query: apply NFKC, drop invisible characters, collapse white space.

    Args:
        text: The query as typed, at most ``MAX_QUERY_CHARS`` code points.

    Returns:
        A text with at least one visible character. It is cut to ``MAX_QUERY_CHARS``, because NFKC
        can make a text longer.

    Raises:
        ValueError: the text has control characters other than tab and line ends, lone surrogates,
            or no visible character.
    """
    if text and text.isascii() and text.isprintable() and not text.isspace():
        # Most queries: visible ASCII characters and plain spaces.
        return " ".join(text.split())[:MAX_QUERY_CHARS].rstrip()
    if any(
        unicodedata.category(char) in {"Cc", "Cs"} and char not in _TYPED_SPACE for char in text
    ):
        raise ValueError("Control characters and lone surrogates are not allowed")
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    folded = normalised("NFKC", visible)
    cleaned = _SPACE.sub(" ", folded).strip()[:MAX_QUERY_CHARS].rstrip()
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in cleaned):
        raise ValueError("Must contain at least one visible character")
    return cleaned
