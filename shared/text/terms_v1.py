"""The terms of the lexical indexes that earlier versions have written, to search those only.

It stays as it was, whatever ``terms`` becomes: a snapshot whose manifest says ``terms: 1``, or
nothing, was made with it. Its stemmer removes plural and possessive s, -ed and -ing, and every
final e; "no" and "not" are stop words. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from shared.text.marks import normalised

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_STOPWORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is"),
        *("it", "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there"),
        *("these", "they", "this", "to", "was", "will", "with"),
    )
)
_VOWELS = frozenset("aeiouy")
_POSSESSIVES = ("'s", "’s")
MAX_TERM_CHARS = 40
_CACHED_WORDS = 8192  # texts use few distinct words: most have been stemmed before


def terms(text: str) -> list[str]:
    """Return the terms of a text, in order, with repeats."""
    folded = fold(text)
    words = _WORD.findall(folded) if folded.isascii() else _words(folded)
    return [term for word in words if (term := _term(word))]


def fold(text: str) -> str:
    """Convert text to lower case, without accents."""
    if text.isascii():
        return text.lower()
    decomposed = normalised("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _words(folded: str) -> Iterator[str]:
    for match in _WORD.finditer(folded):
        word = match[0]
        start = 0
        for run in _UNSPACED.finditer(word):
            yield word[start : run.start()]
            yield from _pairs(run[0])
            start = run.end()
        yield word[start:]


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for first, second in pairwise(run):
        yield first + second


def _term(word: str) -> str:
    # Long words bypass the cache, which bounds its memory.
    return _short_term(word) if len(word) <= MAX_TERM_CHARS else stem(word)[:MAX_TERM_CHARS]


@lru_cache(_CACHED_WORDS)
def _short_term(word: str) -> str:
    return "" if not word or word in _STOPWORDS else stem(word)


def stem(word: str) -> str:
    """Remove plural and possessive s, -ed and -ing from a folded word of four letters or more.

    The result always keeps a vowel and two letters, so that "sing" and "bed" stay whole.
    """
    if word.endswith(_POSSESSIVES):
        word = word[:-2]
    word = word.replace("'", "").replace("’", "")
    if not word.isascii() or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-2]
    elif word.endswith("ing") and _is_word(word[:-3]):
        word = word[:-3]
    elif word.endswith("ed") and _is_word(word[:-2]):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 3 and word.endswith("y") and word[-2] not in _VOWELS:
        word = word[:-1] + "i"  # "story" matches "stories", and "movie" "movies"
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in _VOWELS:
        word = word[:-1]
    return word


def _is_word(word: str) -> bool:
    return len(word) >= 2 and any(letter in _VOWELS for letter in word)
