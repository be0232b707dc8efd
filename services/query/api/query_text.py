"""A query as people type it, made fit to encode. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_QUERY_CHARS = 512

_SPACE = re.compile(r"\s+")
# Letters and symbols by category that nevertheless show nothing: Hangul fillers, braille blank.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_TYPED_SPACE = frozenset("\t\n\r")


def clean(text: str) -> str:
    """Normalise a query: NFKC, invisible characters out, white space single.

    Args:
        text: What was typed, at most ``MAX_QUERY_CHARS`` code points.

    Returns:
        A text with something to see in it. (NFKC can make a text longer, so it is cut again.)

    Raises:
        ValueError: control characters other than tab and line ends, lone surrogates, or nothing
            visible.
    """
    if text and text.isascii() and text.isprintable() and not text.isspace():
        # Most queries: letters, digits and marks that show, and plain spaces.
        return " ".join(text.split())[:MAX_QUERY_CHARS].rstrip()
    if any(
        unicodedata.category(char) in {"Cc", "Cs"} and char not in _TYPED_SPACE for char in text
    ):
        raise ValueError("Control characters and lone surrogates are not allowed")
    shown = "".join(char for char in text if unicodedata.category(char) != "Cf")
    folded = unicodedata.normalize("NFKC", shown)
    cleaned = _SPACE.sub(" ", folded).strip()[:MAX_QUERY_CHARS].rstrip()
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in cleaned):
        raise ValueError("Something visible is wanted here")
    return cleaned
