"""Reduces an English word to the form that its plural, tenses and comparison share. Pure.

Only inflection is removed, and ``-ness``: "stories" and "story", "hoped" and "hope", "funnier" and
"funny", "loneliness" and "lonely" are one term. Words that differ only in a final e are different
words if they have one syllable ("hug" and "huge", "plan" and "plane"), so the e that an ending has
removed is put back; "hopping" and "hoping" show by their consonants which one it was. In longer
words ("imagine", "imagining") the e decides nothing and is removed, except in a few pairs such as
"human" and "humane". What no rule decides is in ``word_forms``. Names and words of other languages
are mostly left whole. ``docs/decisions/0048-terms.md`` compares it with other stemmers.
"""

from __future__ import annotations

import re

from shared.text.word_forms import (
    E_ENDINGS,
    E_STEMS,
    IE_WORDS,
    IRREGULAR,
    KEEPS_E,
    WHOLE,
)

MIN_CHARS = 4
"""Shorter words have no ending that could be distinguished from the word itself."""

_VOWEL_RUN = re.compile(r"[aeiouy]+")
_SHORT = re.compile(r"(?:[^aeiou]|qu)*[aeiouy][^aeiouywx]")
"""One vowel and one consonant at the end: such a word doubles the consonant unless it has an e."""
_NEEDS_E = re.compile(r"(?:[cuv]|[^s]s|[^tz]z|[dlr]g|[bcdfgkptz]l)$")
"""Ends of words of one syllable after which an e was removed: "danc", "chas", "merg", "handl"."""
_DOUBLED = re.compile(r"([bdgmnprt])\1$")


def stem(word: str) -> str:
    """Return the common form of a word that is in lower case, without accents and apostrophes.

    A word with a digit is returned as it is: "1990s" is not the plural of 1990.
    """
    if word in IRREGULAR:
        return _without_e(IRREGULAR[word])
    if not (word.isascii() and word.isalpha()) or len(word) < MIN_CHARS or word in WHOLE:
        return word
    singular = _singular(word)
    if singular in WHOLE:
        return singular
    return _without_e(IRREGULAR.get(singular) or _base(singular))


def _singular(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 or word[:-1] in IE_WORDS else word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes", "oes")) and word[:-1] not in E_ENDINGS:
        return word[:-2]
    return word[:-1]


def _base(word: str) -> str:
    """Remove one of -ing, -ed, -ier, -iest and -ness from a singular."""
    if word.endswith("ing") and _is_word(word[:-3]):
        return _restored(word[:-3])
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-3] + "y"
    if word.endswith("ed") and not word.endswith("eed") and _is_word(word[:-2]):
        return _restored(word[:-2])
    for ending in ("iness", "iest", "ier"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + "y"
    if word.endswith("ness") and len(word) > 6:
        return word[:-4]
    return word


def _restored(rest: str) -> str:
    """What -ing or -ed was added to, as far as it matters: see ``_without_e``."""
    if _DOUBLED.search(rest):
        return rest[:-1] if len(rest) > 3 else rest
    if rest in E_STEMS:
        return rest + "e"
    if _syllables(rest) == 1 and (_SHORT.fullmatch(rest) or _NEEDS_E.search(rest)):
        return rest + "e"
    return rest


def _without_e(word: str) -> str:
    """Remove the e of a long word: no rule could put it back where an ending has removed it."""
    if len(word) < MIN_CHARS or word in KEEPS_E:
        return word
    if word.endswith("e") and word[-2] not in "aeio" and _syllables(word[:-1]) > 1:
        word = word[:-1]
    if word.endswith("ll") and _syllables(word) > 1:
        return word[:-1]
    return word


def _syllables(word: str) -> int:
    return len(_VOWEL_RUN.findall(word.removeprefix("y").replace("qu", "q")))


def _is_word(rest: str) -> bool:
    return len(rest) > 1 and _VOWEL_RUN.search(rest) is not None
