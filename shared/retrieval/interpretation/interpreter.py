"""Reads a typed text by rules, in this order. Pure.

1. A text that is a title is one, and nothing else is read into it ("Without a Clue").
2. Movies to compare with ("something like Amélie") are taken with their titles, which may have
   words of any rule in them.
3. Chatter is taken from the ends; what remains may be a title.
4. Running times and years come before negations, which would take "nothing before 1990" apart.
5. Negations come before genres, so that "no horror" never asks for horror.
6. Genres, people and countries are read in short, list-like texts only. In a longer text these
   words belong to the description.
7. Words that are left and that the catalogue does not know are corrected.

All but the first and the last rule know English only. A text that is surely in another language, or
in a catalogue in another language, is read by ``any_language`` instead of rules 2 to 6.

Using a word up can bring others together, so the rules are read until they change nothing. Hence
the text that remains means nothing more when it is interpreted again; it can only be a title.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.retrieval.filters import MovieFilter
from shared.retrieval.interpretation import any_language, chatter, likes, negation, runtimes, years
from shared.retrieval.interpretation.genres import GenreReader
from shared.retrieval.interpretation.names import read_origins, read_people
from shared.retrieval.interpretation.parts import Correction, Interpretation
from shared.retrieval.interpretation.words import WITH_OR_WITHOUT, Reading
from shared.text.language_guess import language_of
from shared.text.languages import ENGLISH

if TYPE_CHECKING:
    from shared.retrieval.interpretation.lexicon import Lexicon
    from shared.retrieval.interpretation.spelling import Speller
    from shared.retrieval.titles.titles import Titles

MOST_CONTENT_WORDS = 8
"""A text with more words that mean something is a description, not a list of wishes."""
_MOST_CHARS = 600
_MOST_ROUNDS = 6
_BEFORE_A_DESCRIPTION = frozenset(
    ("about", "where", "with", "that", "which", "involving", "a", "an")
)


def interpret(
    text: str,
    lexicon: Lexicon,
    titles: Titles,
    speller: Speller | None = None,
    language: str = ENGLISH,
) -> Interpretation | None:
    """Find the parts of a typed text.

    Args:
        text: The text that a person typed.
        lexicon: The names that the catalogue has.
        titles: The titles that the catalogue has.
        speller: Corrects words; None for no corrections.
        language: The catalogue's language. A text is taken to be in it, unless it is surely not.

    Returns:
        The parts; None when the text is to be searched as it is.
    """
    if len(text) > _MOST_CHARS:
        return None
    matches = titles.find(text)
    if matches and matches[0].distance == 0 and (matches[0].is_whole or titles.exact(text)):
        return Interpretation(text=text, titles=tuple(match.row for match in matches))
    spoken = language_of(WITH_OR_WITHOUT.sub(" ", text)) or language
    if spoken != language:
        speller = None  # it knows the words of the catalogue's language only
    result = _Interpreter(lexicon, titles, speller, spoken).read(text)
    if replace(result, text="", corrections=()) == Interpretation(text="") and matches:
        # A title with a slip, or the beginning of one, is less certain than a wish, but a better
        # reading of strange words than other words.
        return Interpretation(text=text, titles=tuple(match.row for match in matches))
    return None if result in {Interpretation(text=text), Interpretation(text="")} else result


class _Interpreter:
    def __init__(
        self, lexicon: Lexicon, titles: Titles, speller: Speller | None, language: str
    ) -> None:
        self._language = language
        self._lexicon = lexicon
        self._titles = titles
        self._speller = speller
        self._genres = GenreReader(lexicon)

    def read(self, text: str) -> Interpretation:
        reading = self._rounds(Reading(text))
        corrected, corrections = self._corrected(reading)
        if corrections:
            reading = self._rounds(reading.again(corrected))
        if reading.text != text and self._language == ENGLISH:
            reading = self._without_opening(reading)
        filters = _filters(reading)
        return Interpretation(
            text=reading.text,
            corrections=corrections,
            filters=filters,
            avoid=", ".join(reading.avoid) or None,
            like=tuple(dict.fromkeys(reading.like)),
            titles=self._remaining_title(reading.text, filters) if reading.text != text else (),
        )

    def _rounds(self, reading: Reading) -> Reading:
        """Read a text until nothing more is used."""
        for _ in range(_MOST_ROUNDS):
            self._round(reading)
            rest = reading.rest()
            if rest == reading.text:
                break
            reading = reading.again(rest)
        return reading

    def _round(self, reading: Reading) -> None:
        if self._language != ENGLISH:
            any_language.read(reading, self._lexicon, self._language)
            return
        likes.read(reading, self._titles)
        chatter.strip(reading)
        runtimes.read(reading)
        years.read(reading)
        negation.read(reading, self._genres, self._titles)
        if reading.content_words() <= MOST_CONTENT_WORDS:
            self._genres.read(reading)
            read_people(reading, self._lexicon)
            read_origins(reading, self._lexicon, self._genres)
        reading.tidy()

    def _without_opening(self, reading: Reading) -> Reading:
        """Leave out "about" before what remains, unless that would change what it means."""
        while reading.key(0) in _BEFORE_A_DESCRIPTION and len(reading) > 1:
            shorter = reading.again(reading.written(1, len(reading)))
            again = shorter.again(shorter.text)
            self._round(again)
            if again.rest() != shorter.text or _filters(again) != _filters(reading):
                break
            reading = shorter
        return reading

    def _remaining_title(self, rest: str, filters: MovieFilter) -> tuple[int, ...]:
        """Rows of the movies whose title is left: "The Shining by Kubrick"."""
        named = bool(filters.directors_any or filters.people_any)
        if not rest or (" " not in rest and not named and not filters.is_empty):
            return ()
        matches = self._titles.find(rest)
        return tuple(match.row for match in matches if match.is_whole and match.distance == 0)

    def _corrected(self, reading: Reading) -> tuple[str, tuple[Correction, ...]]:
        """The text with its words corrected, and the corrections."""
        if self._speller is None or not len(reading):
            return reading.text, ()
        written = [reading.written(i, i + 1) for i in range(len(reading))]
        corrected, corrections = self._speller.correct(written)
        if not corrections:
            return reading.text, ()
        pieces, end = [], 0
        for (first, last), word in zip(reading.spans, corrected, strict=True):
            pieces += [reading.text[end:first], word]
            end = last
        return "".join([*pieces, reading.text[end:]]), tuple(corrections)


def _filters(reading: Reading) -> MovieFilter:
    groups = [
        kept
        for group in dict.fromkeys(reading.genres)
        if (kept := tuple(genre for genre in group if genre not in reading.genres_none))
    ]
    anyone = next((group for group in groups if len(group) > 1), ())
    every = tuple(group[0] for group in groups if len(group) == 1 and group[0] not in anyone)
    if not anyone and len(every) == 1:
        anyone, every = every, ()
    return MovieFilter(
        year=reading.year,
        genres_any=tuple(dict.fromkeys(anyone)),
        genres_all=every,
        genres_none=tuple(reading.genres_none),
        directors_any=tuple(reading.directors),
        people_any=tuple(reading.people),
        countries_any=tuple(reading.countries),
        languages_any=tuple(reading.languages),
        runtime_minutes=reading.runtime,
    )
