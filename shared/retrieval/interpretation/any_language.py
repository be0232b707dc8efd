"""What is read of a text that is not in English: full names, and years that mean one thing only.

The other rules know English words, which mean something else elsewhere: in Spanish "no" begins half
of all sentences, in German "die" is an article. So a text in another language is compared with the
titles, and its words are corrected, but little is taken out of it. What stays in the text is
searched: names, genres and years are words of each movie's document. Nothing is taken from a text
that denies something ("sin", "nicht"), because it may deny just that, and nothing from a text in a
language whose denials are not known. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.retrieval.filters import Range
from shared.retrieval.interpretation.words import Reading, both
from shared.retrieval.titles.title_keys import words_of
from shared.text.function_words import FUNCTION_WORDS, FunctionWords
from shared.text.language_terms import lowered

if TYPE_CHECKING:
    from shared.retrieval.interpretation.lexicon import Lexicon

_MOST_NAME_WORDS = 4
_YEAR = re.compile(r"1[89]\d\d|20[0-4]\d")
_SPAN = re.compile(r"(1[89]\d\d|20[0-4]\d)\s?[-–—]\s?(1[89]\d\d|20[0-4]\d)")


def read(reading: Reading, lexicon: Lexicon, language: str) -> None:
    """Mark the names and years of a text.

    Args:
        reading: The text.
        lexicon: The names that the catalogue has.
        language: The language that the text is in, or is taken to be in.
    """
    lists = FUNCTION_WORDS.get(language)
    words = [lowered(reading.written(i, i + 1), language) for i in range(len(reading))]
    # "n'est" has its denial before the apostrophe.
    parts = {part for word in words for part in (word, *word.split("'"))}
    if lists is None or parts & lists.denials:
        return
    _read_people(reading, lexicon, words, lists)
    _read_years(reading, lexicon)


def _read_people(
    reading: Reading, lexicon: Lexicon, words: list[str], lists: FunctionWords
) -> None:
    for i in range(len(reading)):
        for length in range(_MOST_NAME_WORDS, 1, -1):
            end = i + length
            if not reading.free(i, end) or not reading.joined(i, end):
                continue
            written = reading.written(i, end)
            name = lexicon.person(written)
            if name is None or words_of(name) != words_of(written):
                continue
            if name not in reading.people:
                reading.people.append(name)
            start = i
            while start and reading.free(start - 1, start) and words[start - 1] in lists.left_out:
                start -= 1  # "de Agnès Varda"
            reading.use(start, end)
            break


def _read_years(reading: Reading, lexicon: Lexicon) -> None:
    for i in range(len(reading)):
        if reading.used[i]:
            continue
        written = reading.written(i, i + 1)
        span = _SPAN.fullmatch(written)
        if span and int(span[1]) <= int(span[2]):
            years = Range(int(span[1]), int(span[2]))
        elif _YEAR.fullmatch(written) and _stands_apart(reading, i, lexicon):
            years = Range(int(written), int(written))
        else:
            continue
        reading.year = both(reading.year, years)
        reading.use(i, i + 1)


def _stands_apart(reading: Reading, i: int, lexicon: Lexicon) -> bool:
    """Whether no word beside a year can make it mean the years before it, or those after it."""
    if len(reading) == 1:
        return True
    if i == len(reading) - 1:
        before = i - 1
        is_apart = reading.breaks[before] or reading.used[before]
        return is_apart or lexicon.genre(reading.key(before)) is not None
    return i == 0 and (reading.breaks[0] or lexicon.genre(reading.key(1)) is not None)
