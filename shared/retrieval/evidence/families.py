"""Words as evidence compares them: inflections and near derivations are one family. Pure.

"Relaxing", "relaxed" and "relaxes" are a family, and so are "funny" and "funniest", "sad" and
"sadness". Wider than the terms of the index, because here a word that is missed is a denial that is
missed; a prefix or ending that denies ("unfunny", "hopeless") makes a family of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet
from functools import lru_cache

from shared.text.marks import normalised

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CACHED_WORDS = 16_384  # reviews use few distinct words
_CACHED_TEXTS = 512  # each of which is looked at for several reasons
_LEAST = 3
_MOST_CHARS = 40
_VOWEL = re.compile(r"[aeiouy]|[^\x00-\x7f]")
_DOUBLED = re.compile(r"([bdfgmnprt])\1$")
_ENDINGS = (
    (re.compile(r"(?:iness|ies|ied|ier|iest|ily)$"), "y"),
    (re.compile(r"(?:fully|ness|ful)$"), ""),
    (re.compile(r"(?:ingly|edly|ing|ed)$"), ""),
    (re.compile(r"ly$"), ""),
    (re.compile(r"(?<![sui])s$"), ""),
)
"""Endings with what replaces them, tried in this order until none is left."""
_CONTRACTED = re.compile(r"'(?:s|t|re|ve|ll|d|m)?$")

GENERIC = frozenset((
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "anything", "are", "as", "at",
    "be", "because", "been", "being", "bit", "but", "by", "can", "could", "did", "do", "does",
    "doing", "done", "enough", "enjoy", "etc", "even", "ever", "every", "everybody", "everyone",
    "everything", "feel", "feels", "feeling", "film", "films", "find", "finds", "flick", "flicks",
    "for", "from", "get", "gets", "getting", "give", "gives", "go", "goes", "going", "good", "got",
    "great", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i",
    "if", "in", "into", "is", "it", "its", "just", "kind", "kinda", "let", "lets", "like", "little",
    "looking", "lot", "lots", "made", "make", "makes", "making", "many", "may", "maybe", "me",
    "more", "most", "movie", "movies", "much", "my", "need", "needs", "of", "on", "one", "ones",
    "only", "or", "other", "our", "out", "over", "people", "picture", "pictures", "please",
    "quite", "really", "recommend", "see", "seen", "set", "shall", "she", "should", "show", "shows",
    "so", "some", "somebody", "someone", "something", "somewhat", "sort", "stuff", "such", "take",
    "takes", "than", "that", "the", "their", "them", "then", "there", "these", "they", "thing",
    "things", "this", "those", "to", "tonight", "too", "try", "up", "us", "very", "want", "wants",
    "was", "watch", "watched", "watching", "way", "we", "were", "what", "when", "where", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
    "no", "nobody", "none", "nor", "not", "nothing", "never", "neither", "without", "hardly",
    "barely", "scarcely",
))  # fmt: skip
"""Words that say nothing of a movie by themselves, so that sharing them is no evidence."""


def plain(text: str) -> str:
    """A text in lower case, without accents, with straight apostrophes."""
    if text.isascii():
        return text.lower()
    text = text.translate(_TYPOGRAPHY)
    if text.isascii():
        return text.lower()
    decomposed = normalised("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).lower()


def keeps_places(text: str) -> bool:
    """Whether each character of a text has the same place in the plain text."""
    return text.isascii() or text.translate(_TYPOGRAPHY).isascii()


_TYPOGRAPHY = str.maketrans("’‘“”–—…", "''\"\";;.")


_PUNCTUATION = str.maketrans(dict.fromkeys('.,;:!?"()[]{}*/\\-&#+=<>|~^_\n\t', " "))


@lru_cache(_CACHED_TEXTS)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a plain text, in order; as ``WORD`` finds them, but faster."""
    if not text.isascii():
        return tuple(WORD.findall(text))
    words = text.translate(_PUNCTUATION)
    if " '" in words or "' " in words:  # quotation marks, not apostrophes
        words = words.replace(" '", " ").replace("' ", " ")
    return tuple(words.split())


def beginnings(families: AbstractSet[str]) -> tuple[str, ...]:
    """What the words of families begin with: no other word is of one of them.

    A family is the beginning of its words, but for the y of "cry", which is an i in "cried".
    """
    return tuple(sorted({each.removesuffix("y") for each in families}))


def is_content(word: str) -> bool:
    """Whether a plain word says something of a movie."""
    return len(word) > 1 and word not in GENERIC and "n't" not in word


@lru_cache(_CACHED_WORDS)
def family(word: str) -> str:
    """The family of a plain word, named by what its members have in common.

    A word of more than ``_MOST_CHARS`` is its own family: it may have thousands of endings.
    """
    if len(word) > _MOST_CHARS:
        return word
    rest = _CONTRACTED.sub("", word)
    previous = ""
    while rest != previous:
        previous = rest
        for ending, replacement in _ENDINGS:
            shorter = ending.sub(replacement, rest)
            if shorter != rest and _is_stem(shorter):
                rest = _undoubled(shorter)
    short = rest[:-1] if rest.endswith(("e", "y")) else rest
    return _undoubled(short) if _is_stem(short) else rest


def _is_stem(rest: str) -> bool:
    return len(rest) >= _LEAST and _VOWEL.search(rest) is not None


def _undoubled(rest: str) -> str:
    """Without the doubled consonant of "funny"; "ll", "ss" and "zz" may belong to the word."""
    return rest[:-1] if len(rest) > _LEAST and _DOUBLED.search(rest) else rest
