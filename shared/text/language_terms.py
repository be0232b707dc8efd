"""The terms of texts in a catalogue that is not in English; ``terms`` has those of English. Pure.

A word is left out, or stemmed as it is written, and folded only then, because stemmers know
endings with their accents ("-ção", "-ая"). So a word that is typed without accents mostly has the
same term. A few languages need more: French and Italian elide articles ("l'amour"), Portuguese has
plurals that the stemmer does not join ("canção", "canções"), in Turkish "I" is the capital of "ı",
and Korean, Chinese, Japanese and Thai are cut into pairs of characters. An
emoji is a term; its name is not, because names are English.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import pairwise

import Stemmer

from shared.text.emoji import EMOJI
from shared.text.function_words import FUNCTION_WORDS
from shared.text.languages import LANGUAGES, PAIRED, SNOWBALL
from shared.text.marks import normalised

MAX_TERM_CHARS = 40
_CACHED_WORDS = 16_384
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_ELIDING = frozenset(("ca", "fr", "it"))
_PLURAL_IN_OES = re.compile(r"(?<=\w{2})[õo]es$")
_WITHOUT_DOT = str.maketrans({"I": "ı", "İ": "i"})


def language_terms(text: str, language: str) -> list[str]:
    """Return the terms of a text, in order, with repeats.

    Args:
        text: A text of any kind.
        language: The catalogue's language, one of ``LANGUAGES`` except English.

    Raises:
        KeyError: The language is not known.
    """
    term_of = _term_of(language)
    return [term for word in _pieces(lowered(text, language), language) if (term := term_of(word))]


def lowered(text: str, language: str) -> str:
    """Return a text in lower case, composed, with its accents."""
    if language == "tr":
        text = text.translate(_WITHOUT_DOT)
    return normalised("NFKC", text.lower()).replace("’", "'")


def without_accents(text: str) -> str:
    """Return a text without accents; letters that are one sign, as in Korean, stay whole."""
    decomposed = normalised("NFKD", text)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", plain).replace("ı", "i")


@cache
def everyday_words(language: str) -> frozenset[str]:
    """Return the words that most texts in a language have, without accents."""
    lists = FUNCTION_WORDS.get(language, ())
    return frozenset(without_accents(word) for words in lists for word in words)


def _pieces(text: str, language: str) -> Iterator[str]:
    """The words, emoji and pairs of characters of a text in lower case."""
    pattern, unspaced = _patterns(language)
    for match in pattern.finditer(text):
        word = match[0]
        if not unspaced.match(word) or len(word) == 1:
            yield word
        else:
            yield from (first + second for first, second in pairwise(word))


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a piece of a text is, and which pieces are cut into pairs."""
    marks = _combining_marks()
    unspaced = f"[{_UNSPACED}{_HANGUL if language == 'ko' else ''}]"
    letter = f"(?:(?!{unspaced})[^\\W_]|[{marks}])"
    apostrophe = "" if language in _ELIDING else f"(?:'{letter}+)*"
    pattern = f"{unspaced}+|{letter}+{apostrophe}|{EMOJI.pattern}"
    return re.compile(pattern), re.compile(f"{unspaced}+")


@cache
def _combining_marks() -> str:
    """Vowel signs and other marks that are part of words, as in Hindi."""
    return "".join(
        char
        for char in map(chr, range(0x300, min(sys.maxunicode, 0xFFFF)))
        if unicodedata.category(char) in {"Mn", "Mc"} and not "\ufe00" <= char <= "\ufe0f"
    )


@cache
def _term_of(language: str) -> Callable[[str], str]:
    """A function from a word in lower case to its term; empty for a word that is left out."""
    if language not in LANGUAGES:
        raise KeyError(language)
    lists = FUNCTION_WORDS.get(language)
    left_out = lists.left_out if lists is not None else frozenset[str]()
    # No cache of its own: it would never forget, and the one below does.
    stemmer = Stemmer.Stemmer(SNOWBALL[language], 0) if language in SNOWBALL else None

    @lru_cache(_CACHED_WORDS)
    def term_of(word: str) -> str:
        if word in left_out:
            return ""
        word = word.replace("'", "")[:MAX_TERM_CHARS]
        if language == "pt":
            word = _PLURAL_IN_OES.sub("ão", word)
        if stemmer is not None and word.isalpha():
            word = stemmer.stemWord(word)
        if language in PAIRED and word[:1] >= "\u0e00":
            return word  # voicing marks are no accents: "か" and "が"
        return "".join(without_accents(word).split())[:MAX_TERM_CHARS]

    return term_of
