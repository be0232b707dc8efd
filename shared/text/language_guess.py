"""In which language a text is, where its script or its everyday words show it. Pure.

Only sure answers are given, so most texts of one or two words get none: they have no everyday word,
or are spelt alike in several languages ("drama", "die hard"). A language has to explain clearly
more words than English and than any other one. English is the first language of titles and of what
people type, so the benefit of the doubt is its.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from shared.text.function_words import FUNCTION_WORDS
from shared.text.language_terms import lowered, without_accents
from shared.text.languages import ENGLISH

_MOST_CHARS = 400
_LEAST_HITS = 2
_LEAST_SHARE = 0.3  # of the words that are everyday words of the language
_LEAD_OVER_ENGLISH = 2
_WORD = re.compile(r"[^\W\d_]+(?:·[^\W\d_]+)*")
_SCRIPTS = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "THAI": "th", "GREEK": "el",
    "HEBREW": "he", "ARMENIAN": "hy", "TAMIL": "ta",
}  # fmt: skip
"""Scripts that one language of the table uses; others, as Cyrillic, need the words as well."""
_LETTERS = {
    "ł": "pl", "ż": "pl", "ź": "pl", "ę": "pl", "ř": "cs", "ě": "cs", "ů": "cs", "ß": "de",
    "ñ": "es", "ã": "pt", "õ": "pt", "ő": "hu", "ű": "hu", "ş": "tr", "ğ": "tr", "ı": "tr",
    "ț": "ro", "ș": "ro", "ă": "ro", "ї": "uk", "є": "uk", "ґ": "uk", "і": "uk",
}  # fmt: skip
"""Letters that hardly any other language of the table has; each counts as a word."""


def language_of(text: str) -> str | None:
    """Return the code of the language that a text is surely in; None where it is not sure."""
    start = lowered(text[:_MOST_CHARS], ENGLISH)
    words = _WORD.findall(start)
    if not words:
        return None
    return _by_words(set(words)) or (None if start.isascii() else _by_script("".join(words)))


def other_language(text: str | None, language: str) -> str | None:
    """Return the language that a text is surely in, unless that is the catalogue's.

    Args:
        text: What was typed; None for nothing.
        language: The catalogue's language; of a catalogue in several languages, none is another.
    """
    spoken = language_of(text) if text else None
    return spoken if spoken != language and language != "mul" else None


def _by_words(words: set[str]) -> str | None:
    hits: dict[str, int] = defaultdict(int)
    for word in words:
        for language in _languages_by_word().get(word, ()):
            hits[language] += 1
    for letter in set("".join(words)).intersection(_LETTERS):
        hits[_LETTERS[letter]] += 1
    english = hits.pop(ENGLISH, 0)
    first, second = [*sorted(hits.values(), reverse=True), 0, 0][:2]
    enough = max(_LEAST_HITS, _LEAST_SHARE * len(words))
    if first >= enough and first > second and first >= english + _LEAD_OVER_ENGLISH:
        return max(hits, key=lambda language: hits[language])
    if english >= enough and english >= first + _LEAD_OVER_ENGLISH:
        return ENGLISH
    return None


def _by_script(letters: str) -> str | None:
    counts: dict[str, int] = defaultdict(int)
    for letter in letters:
        counts[unicodedata.name(letter, "").partition(" ")[0]] += 1
    # Japanese is written with Chinese characters, too, but never for long without its own.
    counts["HIRAGANA"] += counts.pop("KATAKANA", 0)
    if counts["HIRAGANA"]:
        counts["HIRAGANA"] += counts.pop("CJK", 0)
    script = max(counts, key=lambda name: counts[name])
    return _SCRIPTS.get(script) if 2 * counts[script] > len(letters) else None


@cache
def _languages_by_word() -> Mapping[str, frozenset[str]]:
    """Everyday words, with and without accents, and the languages that have each."""
    found: dict[str, set[str]] = defaultdict(set)
    for language, lists in FUNCTION_WORDS.items():
        for word in frozenset.union(*lists):
            # A single letter has no accent to lose: "à" is French, "a" is in half of all languages.
            for form in {word, without_accents(word)} if len(word) > 1 else {word}:
                found[form].add(language)
    return {word: frozenset(languages) for word, languages in found.items()}
