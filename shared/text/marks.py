"""Bounds how many combining marks follow each other, so that normalisation is linear. Pure.

Unicode's normal forms sort the marks behind a letter, and Python sorts them by insertion: a text of
80,000 marks takes seconds, and no signal interrupts them. No language stacks more than a few; the
Unicode Standard's stream-safe format (UAX 15, section 13) allows 30, and so do we.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, Literal

MAX_MARKS: Final = 30
_CACHED_CHARS: Final = 4096
_LONG_RUN = re.compile(rf"[^\x00-\u02ff]{{{MAX_MARKS + 1},}}")
"""Only such a run can have too many, because U+0300 is the first mark."""


def normalised(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """A text in a normal form of Unicode, with at most ``MAX_MARKS`` marks behind each letter.

    Args:
        form: The normal form.
        text: A text of any kind; marks beyond the bound are left out.
    """
    return unicodedata.normalize(form, with_few_marks(text))


def with_few_marks(text: str) -> str:
    """A text without the combining marks that follow ``MAX_MARKS`` others."""
    return text if text.isascii() else _LONG_RUN.sub(_shortened, text)


def _shortened(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in run[0]:
        marks = marks + 1 if _is_mark(char) else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


@lru_cache(_CACHED_CHARS)
def _is_mark(char: str) -> bool:
    """Whether a character is sorted among marks, as it is or after it has been taken apart."""
    parts = [part for part in unicodedata.decomposition(char).split() if part[0] != "<"]
    first = chr(int(parts[0], 16)) if parts else char
    return unicodedata.combining(char) > 0 or unicodedata.combining(first) > 0
