"""The terms of an emoji: the sign itself, and the words of its Unicode name. Pure.

"👻" is found by "👻" and by "ghost". Modifiers of skin and style are no terms, and a sequence of
several signs ("👨‍👩‍👧") is the sequence of its parts. A flag, which is two letters, is one term.
"""

from __future__ import annotations

import re
import unicodedata

EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
"""One emoji, or the two letters of a flag."""

_DESCRIBES_THE_SIGN = frozenset(
    (
        *("and", "black", "emoji", "eyes", "face", "heavy", "medium", "of", "open", "sign"),
        *("small", "symbol", "the", "white", "with"),
    )
)
"""Words of names that say what the sign looks like, not what it stands for."""


def emoji_words(sign: str) -> list[str]:
    """Return the words of an emoji's name in lower case, without those that describe the sign."""
    if len(sign) > 1:
        return []
    words = re.findall(r"[a-z]+", unicodedata.name(sign, "").lower())
    meaningful = [word for word in words if word not in _DESCRIBES_THE_SIGN and len(word) > 1]
    return meaningful or words
