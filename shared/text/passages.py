"""Splits reviews into passages: the spans of text that are encoded, and shown as evidence.

A passage is a sequence of whole sentences, packed greedily up to a number of word pieces. Reviews
scraped from web pages often join sentences ("... the end.Then again ..."), so a full stop between a
lower-case and an upper-case letter ends a sentence too. A sentence over the limit is cut between
words. Passages are spans of the review's text: no text is lost, and a snapshot stores two numbers
instead of a copy. Pure: the tokenizer is passed in as ``measure``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

Measure = Callable[[Sequence[str]], Sequence[int]]
"""Returns the number of word pieces of each text."""


class Span(NamedTuple):
    """The characters from ``start`` to ``end`` (exclusive) of a text."""

    start: int
    end: int


_CLOSING = "[\"'”’»)\\]]*+"
# Each run of marks or blanks is looked at once, from its first character: so the time is linear.
_BOUNDARY = re.compile(
    rf"(?<![.!?…])[.!?…]++{_CLOSING}(?=\s)"  # the end of a sentence
    rf"|(?<=[^\W\d_A-Z])[.!?…]++{_CLOSING}(?=[\"'“‘«(]?[A-ZÀ-ÖØ-Þ])"  # the same, without the space
    r"|[。！？]++"  # languages without spaces between sentences
    r"|(?<!\s)[^\S\n]*+\n\s*+"  # line breaks
)
_WORD = re.compile(r"\S+")


def sentences(text: str) -> list[Span]:
    """Return the spans of a text's sentences, in order, without the white space between them."""
    spans = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        spans.append(Span(start, match.end()))
        start = match.end()
    spans.append(Span(start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, span)) is not None]


def split(texts: Sequence[str], measure: Measure, limit: int) -> list[list[Span]]:
    """Split reviews into passages.

    Args:
        texts: The reviews.
        measure: Counts the word pieces of many texts at once; called at most twice.
        limit: Maximum number of word pieces in a passage. Only a single word may be longer.

    Returns:
        The spans of each text's passages, in order and without overlap; none for an empty text.
    """
    parts = [(n, span) for n, text in enumerate(texts) for span in sentences(text)]
    sizes = list(measure([texts[n][slice(*span)] for n, span in parts]))
    parts, sizes = _cut_long(texts, parts, sizes, measure, limit)
    result: list[list[Span]] = [[] for _ in texts]
    room = 0
    previous = -1
    for (n, span), size in zip(parts, sizes, strict=True):
        if n == previous and size <= room:
            result[n][-1] = Span(result[n][-1].start, span.end)
            room -= size
        else:
            result[n].append(span)
            room = limit - size
        previous = n
    return result


def _cut_long(
    texts: Sequence[str],
    parts: list[tuple[int, Span]],
    sizes: list[int],
    measure: Measure,
    limit: int,
) -> tuple[list[tuple[int, Span]], list[int]]:
    """Replace each sentence over the limit by its words, which are then packed again."""
    if all(size <= limit for size in sizes):
        return parts, sizes
    cut: list[tuple[int, Span]] = []
    for (n, span), size in zip(parts, sizes, strict=True):
        if size > limit:
            words = _WORD.finditer(texts[n], *span)
            cut.extend((n, Span(match.start(), match.end())) for match in words)
    word_sizes = iter(measure([texts[n][slice(*span)] for n, span in cut]))
    words_left = iter(cut)
    whole: list[tuple[int, Span]] = []
    whole_sizes: list[int] = []
    for (n, span), size in zip(parts, sizes, strict=True):
        if size <= limit:
            whole.append((n, span))
            whole_sizes.append(size)
            continue
        end = span.start
        while end < span.end:
            word = next(words_left)
            whole.append(word)
            whole_sizes.append(next(word_sizes))
            end = word[1].end
    return whole, whole_sizes


def _trim(text: str, span: Span) -> Span | None:
    piece = text[slice(*span)]
    stripped = piece.strip()
    if not stripped:
        return None
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, start + len(stripped))
