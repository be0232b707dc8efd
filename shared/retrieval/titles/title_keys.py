"""Keys of a title: strings that are equal when two texts are ways to write the same title. Pure.

A key has no spaces, so joined and split words are equal. Every text has several keys, and each has
a level: the higher the level, the more was changed. A text is a title when the two share a key.
Case, accents and punctuation are dropped at every level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.retrieval.titles.numerals import with_digits, with_roman_as_digits
from shared.text.terms import fold

WRITTEN, _IN_FULL, _IN_DIGITS, WITHOUT_ARTICLE, WITHOUT_LITTLE_WORDS = range(5)
"""Levels: as it is written; Dr. and II in full; all numbers as digits; without the article at
either end; without any article, and without "part" or "volume" before a number."""

ENGLISH_ARTICLES = frozenset({"a", "an", "the"})
# Left out of the table are articles that are English words: "Die Hard" is not "Hard".
_ARTICLES_BEFORE = ENGLISH_ARTICLES | {
    "le", "la", "les", "l", "un", "une", "der", "das", "ein", "eine", "el", "los", "las", "il",
    "lo", "gli",
}  # fmt: skip
_FULL_FORMS = {
    "dr": "doctor", "mr": "mister", "mrs": "missus", "st": "saint", "vs": "versus", "n": "and",
    "vol": "volume", "pt": "part", "ft": "featuring",
}  # fmt: skip
_PARTS = frozenset({"part", "volume", "vol", "episode", "chapter"})
_LETTERS_FOR_DIGITS = str.maketrans("013457", "oieast")
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_APOSTROPHES = re.compile(r"['’‘ʼ`]")
_ELIDED_ARTICLE = re.compile(r"\s*[Ll]['’]")
_AND = re.compile(r"[&+]")
_INITIALS = re.compile(r"\b([^\W\d_])[.*·](?=[^\W\d_]\b)")
_WORDS = re.compile(r"[^\W_]+")
_DIGIT_INSIDE = re.compile(r"[^\W\d_]\d+[^\W\d_]")
_ARTICLE_BEHIND = re.compile(r"(?P<rest>.+),\s*(?P<article>[^\W\d_]{1,4}['’]?)\s*")
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN_AS = re.compile(r"\s*a\.?k\.?a\.?[\s:]+", re.IGNORECASE)
_YEAR = re.compile(r"\s*\d{4}\s*")
_BREAK = re.compile(r"\s*:\s+|\s+[-–—]\s+|\s*;\s+")


class Key(NamedTuple):
    """A way to write a title, without spaces."""

    text: str
    level: int


def folded(text: str) -> str:
    """Lower case without accents; folding twice changes nothing."""
    if text.isascii():
        return text.lower()
    while (lower := fold(text).translate(_UNDECOMPOSED)) != text:
        text = lower
    return text


def words_of(text: str) -> list[str]:
    """The words of a text, folded, "&" as "and", without punctuation and apostrophes."""
    text = folded(text)
    words = text.split()
    if text.isascii() and all(map(str.isalnum, words)):
        return words  # nothing to leave out, as in most titles and names
    text = _AND.sub(" and ", _APOSTROPHES.sub("", text))
    return _WORDS.findall(_INITIALS.sub(r"\1", text))


def joined(text: str) -> str:
    """A text as it is written, folded and without spaces and punctuation."""
    if text.isascii() and text.isalnum():
        return text.lower()
    return "".join(words_of(text))


def keys_of(text: str) -> list[Key]:
    """The keys of a text, from the lowest level to the highest, without repeats.

    A text without letters and digits is its own key, so that even "$" names a movie.
    """
    words = words_of(_article_first(text))
    if words in ([], ["and"]):
        symbols = "".join(folded(text).split())
        return [Key(symbols, WRITTEN)] if symbols else []
    levels: dict[str, int] = {}
    for form, level in _forms(words):
        levels.setdefault("".join(form), level)
    behind_article = _ELIDED_ARTICLE.match(text)
    if behind_article:
        levels.setdefault("".join(words_of(text[behind_article.end() :])), WITHOUT_ARTICLE)
    return [Key(key, level) for key, level in levels.items() if key]


def spellings(words: list[str]) -> list[list[str]]:
    """Words as they are, with short forms in full, and with numbers as digits, without repeats."""
    forms = [words]
    forms += [form for form in _comparable(words) if form != words]
    return forms


def slip_forms(words: list[str]) -> list[list[str]]:
    """The ways to write words that may be compared letter by letter.

    Roman numerals are always digits in them, because II and III are not a slip of each other.
    """
    forms = _comparable(words)
    forms += [short for form in forms if (short := without_article(form)) is not form]
    return forms


def _comparable(words: list[str]) -> list[list[str]]:
    in_full = with_roman_as_digits([_FULL_FORMS.get(word, word) for word in words])
    in_digits = with_digits(in_full)
    return [in_full] if in_digits == in_full else [in_full, in_digits]


def without_article(words: list[str]) -> list[str]:
    """Words without an article at either end; the same words where nothing else is left."""
    if len(words) > 1 and words[0] in _ARTICLES_BEFORE and len(words[1]) + len(words) > 3:
        return words[1:]
    if len(words) > 1 and words[-1] in ENGLISH_ARTICLES:
        return words[:-1]
    return words


def whole_titles(title: str) -> Iterator[str]:
    """A title, and the titles that it holds in parentheses, as in "Seven (a.k.a. Se7en)"."""
    yield title
    if "(" not in title:
        return
    outside = _PARENTHESES.sub(" ", title).strip()
    if words_of(outside):
        yield outside
        for inside in _PARENTHESES.findall(title):
            other = _ALSO_KNOWN_AS.sub("", inside, count=1)
            if len("".join(words_of(other))) > 2 and not _YEAR.fullmatch(other):
                yield other


def parts_of(title: str) -> list[str]:
    """What is before, and what is behind, a colon or a dash: main title first, else nothing."""
    pieces = [piece for piece in _BREAK.split(_PARENTHESES.sub(" ", title)) if piece.strip()]
    if len(pieces) < 2:
        return []
    return list(dict.fromkeys([pieces[0], " ".join(pieces[1:]), pieces[-1]]))


def _forms(words: list[str]) -> Iterator[tuple[list[str], int]]:
    spelt = spellings(words)
    for level, form in enumerate(spelt):
        yield form, level
    for form in spelt:
        yield without_article(form), WITHOUT_ARTICLE
    for form in spelt:
        fewer = [word for word in form if word not in ENGLISH_ARTICLES]
        if fewer and len(fewer) < len(form):
            yield fewer, WITHOUT_LITTLE_WORDS
        short = _without_parts(without_article(form))
        if short:
            yield short, WITHOUT_LITTLE_WORDS
    if any(_DIGIT_INSIDE.search(word) for word in words):
        letters = [
            word.translate(_LETTERS_FOR_DIGITS) if _DIGIT_INSIDE.search(word) else word
            for word in words
        ]
        yield letters, WITHOUT_LITTLE_WORDS


def _without_parts(words: list[str]) -> list[str] | None:
    """Words without "part" before a number, when a title is left before it."""
    if _PARTS.isdisjoint(words):
        return None
    kept = [
        word
        for n, word in enumerate(words)
        if not (word in _PARTS and 0 < n < len(words) - 1 and words[n + 1].isdigit())
    ]
    return kept if len(kept) < len(words) else None


def _article_first(title: str) -> str:
    """The title with its article in front: "The Matrix" for "Matrix, The"."""
    if "," not in title:
        return title
    pieces = _ARTICLE_BEHIND.fullmatch(title)
    if pieces is None or folded(pieces["article"]).rstrip("'’") not in _ARTICLES_BEFORE:
        return title
    return f"{pieces['article']} {pieces['rest']}"
