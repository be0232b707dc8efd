"""Parts texts into phrases, within which neighbouring terms are said together. Pure."""

from __future__ import annotations

import re

from shared.text.languages import ENGLISH
from shared.text.terms import terms

# A mark between two characters that are no spaces ("3.5", "U.S.A") ends nothing.
_END = re.compile(r"(?<![.!?…;:])[.!?…;:]++(?=\s|$)|[。！？；\n]")


def phrases(text: str, language: str = ENGLISH) -> list[list[str]]:
    """Return the terms of a text, phrase by phrase; together they are ``terms(text, language)``.

    Args:
        text: A text of any kind.
        language: The catalogue's language.
    """
    parts = (terms(part, language) for part in _END.split(text) if part)
    return [part for part in parts if part]
