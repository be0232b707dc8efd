"""Splits text into the terms of the lexical index: folded words in the form of ``stemmer``.

Writer and reader must agree on terms, so both use this module, and a snapshot's manifest says by
which ``VERSION`` its index was made; the index itself only splits on spaces. Words that deny ("no",
"not", "never", "without", "nothing") are terms like others. An emoji is a term, and so are the
words of its name. Scripts without spaces between words (Chinese, Japanese, Thai) are indexed by
pairs of characters. The stemmer here is for English; in an English catalogue words of other
languages are folded, mostly left whole, and matched as they are. A catalogue in another language
has the terms of ``language_terms``. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from shared.text import stemmer
from shared.text.emoji import EMOJI, emoji_words
from shared.text.language_terms import MAX_TERM_CHARS, language_terms
from shared.text.languages import ENGLISH
from shared.text.marks import normalised

VERSION: Final = 2
"""Raised whenever the terms of a text change, because indexes of both kinds then exist."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WORD_OR_EMOJI = re.compile(f"{_WORD.pattern}|{EMOJI.pattern}")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_STOPWORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is"),
        *("it", "of", "on", "or", "such", "that", "the", "their", "then", "there"),
        *("these", "they", "this", "to", "was", "will", "with"),
    )
)
_POSSESSIVES = ("'s", "’s")
_CACHED_WORDS = 8192  # texts use few distinct words: most have been stemmed before


def terms(text: str, language: str = ENGLISH) -> list[str]:
    """Return the terms of a text, in order, with repeats.

    Args:
        text: A text of any kind.
        language: The catalogue's language, one of ``shared.text.languages.LANGUAGES``.
    """
    if language != ENGLISH:
        return language_terms(text, language)
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
    for match in _WORD_OR_EMOJI.finditer(folded):
        word = match[0]
        if EMOJI.match(word):
            yield word
            yield from emoji_words(word)
            continue
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
    """Return the term of a folded word: without possessive s and apostrophes, and stemmed."""
    if word.endswith(_POSSESSIVES) and not word[-3:-2].isdigit():  # "the 1990's" are the 1990s
        word = word[:-2]
    return stemmer.stem(word.replace("'", "").replace("’", ""))
