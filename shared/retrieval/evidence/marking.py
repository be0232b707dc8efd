"""The words of a passage that a reader looks for, as spans of its text. Pure.

A word is marked if it is of a family that is asked for. Words that say nothing stay unmarked, but
where they stand between two marked words they are marked with them: "sad and funny".
"""

from __future__ import annotations

from shared.retrieval.evidence.asking import Asked, Found
from shared.retrieval.evidence.families import WORD, is_content, keeps_places, plain

Marks = tuple[tuple[int, int], ...]
"""Spans ``(start, end)`` of a text in characters (code points), in order and apart."""

_JOINING = frozenset((" ", "-", " and ", ", ", " of ", " of the ", " a ", " the ", " & "))


def marks(text: str, asked: Asked, found: Found) -> Marks:
    """The spans of a text's words that are asked for.

    Args:
        text: The text.
        asked: What is asked for.
        found: What was found in the text, as a plain one.
    """
    words = {
        word for word, member in found.items() if member in asked.families and is_content(word)
    }
    if not words:
        return ()
    if keeps_places(text):
        folded = plain(text)
        return _joined(text, sorted(place for word in words for place in _places(folded, word)))
    return _joined(
        text, [match.span() for match in WORD.finditer(text) if plain(match[0]) in words]
    )


def _places(text: str, word: str) -> list[tuple[int, int]]:
    """Where a word stands in a text by itself."""
    places = []
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            places.append((start, end))
        start = text.find(word, end)
    return places


def _joined(text: str, spans: list[tuple[int, int]]) -> Marks:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and text[joined[-1][1] : start].lower() in _JOINING:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
