"""Titles: finding the movie whose title is the query, and completing titles. Pure.

A title is found however it is written (``title_keys``), with a slip or two, with its year behind
it, and inside a frame such as "the movie X" (``title_frames``). A description is not a title: only
a query that is a whole title, or at least the first two words of one, names a movie; slips are
forgiven in longer titles only; and common words inside a frame are no title.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.retrieval.titles.near_titles import NearBeginnings, NearTitles, WordCount
from shared.retrieval.titles.title_frames import (
    FUNCTION_WORDS,
    is_ordinary,
    split_year,
    unframed,
    without_first_number,
)
from shared.retrieval.titles.title_keys import (
    WITHOUT_ARTICLE,
    WITHOUT_LITTLE_WORDS,
    Key,
    folded,
    keys_of,
    parts_of,
    spellings,
    whole_titles,
    without_article,
    words_of,
)

_MOST_CHARS = 300  # of a text that can be a title
_MORE_CHARS = 60  # of a text than of the longest title: its frame, its year, numbers in words
_LEAST_JOINED = 8  # letters of a beginning that is typed as one word
_LEAST_SINGLE_PART = 6  # letters of a main title of one word, as in "Dodgeball: A True ..."
_LEAST_DIGITS_OF_PART = 3  # of a main title that is a number, as in "2001: A Space Odyssey"
_AFTER_ALL = "\U0010ffff"


_TextRead = tuple[str, int | None, bool]
"""What may be a title, the year behind it, and whether a title is expected there."""


class TitleMatch(NamedTuple):
    """A movie that a text names.

    Attributes:
        row: The movie's row.
        distance: How many slips the text has; 0 for none.
        is_whole: Whether the text is all of the title, not its beginning or a part of it.
    """

    row: int
    distance: int
    is_whole: bool


class _Held(NamedTuple):
    """A movie that has a key: what was changed, and whether the key is all of the title."""

    row: int
    level: int
    is_whole: bool


class _Entry(NamedTuple):
    """A title from one of its words on; bit n of ``ends`` is set where a beginning may end."""

    key: str
    row: int
    is_start: bool
    ends: int


class Titles:
    """The titles of a snapshot.

    Example::

        titles = Titles([(0, "Se7en"), (1, "WALL·E")], popularity=[9, 5], years=[1995, 2008])
        titles.find("the movie seven 1995")  # [TitleMatch(row=0, distance=0, is_whole=True)]
    """

    def __init__(
        self,
        titles: Iterable[tuple[int, str]],
        popularity: Iterable[int] = (),
        years: Iterable[int | None] = (),
        word_count: WordCount | None = None,
    ) -> None:
        """Prepare the keys of all titles.

        Args:
            titles: ``(row, title)`` of all movies that have a title; a row may have several.
            popularity: Popularity by row; of equally good matches the more popular comes first.
            years: Year by row, None where it is not known.
            word_count: Number of movies that have a folded word, which tells slips from words.
        """
        self._popularity = list(popularity)
        self._years = list(years)
        self._held: dict[str, list[_Held]] = {}
        self._near = NearTitles(word_count)
        entries: set[_Entry] = set()
        longest = 0
        for row, title in titles:
            longest = max(longest, len(title))
            for n, whole in enumerate(whole_titles(title)):
                keys = keys_of(whole)
                self._hold(row, whole, keys, least_level=WITHOUT_LITTLE_WORDS if n > 1 else 0)
                entries.update(_entries(row, whole, keys))
        self._near.prepare()
        self._most_chars = min(_MOST_CHARS, longest + _MORE_CHARS)
        self._entries = sorted(entries)
        self._keys = [entry.key for entry in self._entries]
        self._near_beginnings = NearBeginnings(self._keys)

    def find(self, text: str) -> list[TitleMatch]:
        """The movies that a text names, best first.

        Exact matches come before near ones, whole titles before beginnings and parts; then come
        the right year, the least changed, and the more popular. A text that is a title as it
        stands is not read as a frame or a year: "1917", "The Lego Movie".
        """
        matches: list[TitleMatch] = []
        readings = list(_readings(text)) if len(text) <= self._most_chars else []
        for inner, year, is_sure in readings:
            matches += self._exact(inner, year, is_free=is_sure)
            if any(match.is_whole for match in matches):
                break
        if not matches:
            matches = self._first_of_series(readings)
        for inner, year, _ in readings:
            matches += self._begun(inner, year)
        if not matches:
            for inner, year, _ in readings:
                matches += self._slipped(inner, year)
        matches.sort(key=lambda match: (match.distance, not match.is_whole))
        first: dict[int, TitleMatch] = {}
        for match in matches:
            first.setdefault(match.row, match)
        return list(first.values())

    def exact(self, text: str) -> list[int]:
        """Rows of the movies whose title, or a part of it at a colon, the text is, best first.

        A year may be behind it; frames and beginnings are not read.
        """
        for inner, year in _with_and_without_year(text):
            matches = self._exact(inner, year)
            if matches:
                return [match.row for match in matches]
        return []

    def whole(self, title: str, year: int | None) -> list[int]:
        """Rows of the movies that have just this title, best first; it has no frame and no year.

        Args:
            title: The whole title.
            year: Movies of other years are left out, but for neighbouring and unknown years. None:
                the title names a movie only if a single one has it.
        """
        rows = [match.row for match in self._exact(title, year) if match.is_whole]
        if year is None:
            return rows if len(rows) == 1 else []
        return [row for row in rows if self._years_off(row, year) <= 1]

    def begins(self, text: str) -> bool:
        """Whether a longer title begins with these words, two or more beside an article."""
        key = "".join(words_of(text))
        entries = self._from(key) if key else ()
        return any(entry.ends >> len(key) & 1 and len(entry.key) > len(key) for entry in entries)

    def near(self, text: str) -> list[int]:
        """As ``exact``, and where that is nothing, with slips."""
        rows = self.exact(text)
        for inner, year in _with_and_without_year(text):
            rows = rows or [match.row for match in self._slipped(inner, year)]
        return rows

    def named(self, query: str) -> list[int]:
        """Rows of the movies that a query names, best first."""
        return [match.row for match in self.find(query)]

    def suggest(self, prefix: str, most: int) -> list[int]:
        """Rows of movies whose title, or a word of it, begins with ``prefix``, perhaps with slips.

        Titles that begin with it come first, then those with a word that does, then near ones.
        """
        keys = [key for key, _ in keys_of(prefix[:_MOST_CHARS])]
        starts: dict[int, None] = {}
        inside: dict[int, None] = {}
        for key in keys:
            entries = self._from(key)
            for is_start, rows in ((True, starts), (False, inside)):
                fitting = {entry.row for entry in entries if entry.is_start is is_start}
                rows.update(dict.fromkeys(self._by_popularity(fitting)))
        if not starts and not inside:
            near = {
                (slips, not self._entries[n].is_start, *self._order(self._entries[n].row))
                for key in keys
                for n, slips in self._near_beginnings.find(key)
            }
            starts = dict.fromkeys(row for *_, row in sorted(near))
        return list(dict.fromkeys([*starts, *inside]))[:most]

    def _hold(self, row: int, title: str, keys: list[Key], *, least_level: int) -> None:
        self._near.add(row, title, is_whole=True)
        for key, level in keys:
            self._held.setdefault(key, []).append(_Held(row, max(level, least_level), True))
        for n, part in enumerate(parts_of(title)):
            words = without_article(words_of(part))
            key = "".join(words)
            least = _LEAST_DIGITS_OF_PART if key.isdigit() else _LEAST_SINGLE_PART
            is_short = len(words) < 2 and (n > 0 or len(key) < least)
            if not is_short and not is_ordinary(words):
                self._near.add(row, part, is_whole=False)
                for key, level in keys_of(part):
                    self._held.setdefault(key, []).append(_Held(row, level, False))

    def _exact(self, text: str, year: int | None, *, is_free: bool = True) -> list[TitleMatch]:
        words = words_of(text)
        most_changed = WITHOUT_LITTLE_WORDS
        if words and is_ordinary(words):
            if not is_free:
                return []
            if words[0] in {"a", "an"}:  # "a scary movie" is not the title "Scary Movie"
                most_changed = WITHOUT_ARTICLE - 1
        best: dict[int, tuple[bool, bool, int, int, int, int]] = {}
        for key, level in keys_of(text):
            if level > most_changed:
                break
            for row, changed, is_whole in self._held.get(key, ()):
                off = self._years_off(row, year)
                order = (not is_whole, off > 1, max(level, changed), off, *self._order(row))
                best[row] = min(order, best.get(row, order))
        return [TitleMatch(row, 0, not best[row][0]) for row in sorted(best, key=best.__getitem__)]

    def _first_of_series(self, readings: Iterable[_TextRead]) -> list[TitleMatch]:
        """Movies that a text numbers as the first though their title has no number: "Rocky 1"."""
        for inner, year, _ in readings:
            name = without_first_number(inner)
            whole = [match for match in self._exact(name or "", year) if match.is_whole]
            if whole:
                return whole
        return []

    def _begun(self, text: str, year: int | None) -> list[TitleMatch]:
        """Movies whose titles begin with a text of two words or more."""
        words = without_article(words_of(text))
        topics = [word for word in words if word not in FUNCTION_WORDS]
        if is_ordinary(words) or (len(topics) < 2 and len("".join(words)) < _LEAST_JOINED):
            return []
        keys = {"".join(form) for form in spellings(words)} | {"".join(words_of(text))}
        rows = {
            entry.row
            for key in keys
            for entry in self._from(key)
            if entry.ends >> len(key) & 1 and self._years_off(entry.row, year) <= 1
        }
        return [TitleMatch(row, 0, False) for row in self._by_popularity(rows)]

    def _slipped(self, text: str, year: int | None) -> list[TitleMatch]:
        ranked = [
            (slips, not is_whole, self._years_off(row, year), *self._order(row))
            for row, slips, is_whole in self._near.find(words_of(text))
        ]
        return [
            TitleMatch(row, slips, not is_part)
            for slips, is_part, off, _, row in sorted(ranked)
            if off <= 1
        ]

    def _from(self, prefix: str) -> list[_Entry]:
        first = bisect_left(self._keys, prefix)
        last = bisect_left(self._keys, prefix + _AFTER_ALL)
        return self._entries[first:last]

    def _years_off(self, row: int, year: int | None) -> int:
        known = self._years[row] if row < len(self._years) else None
        if year is None:
            return 0
        return 1 if known is None else abs(known - year)

    def _order(self, row: int) -> tuple[int, int]:
        """A key that sorts rows by popularity."""
        return (-self._popularity[row] if row < len(self._popularity) else 0, row)

    def _by_popularity(self, rows: Iterable[int]) -> list[int]:
        return sorted(rows, key=self._order)


def _readings(text: str) -> Iterator[_TextRead]:
    """The text as it stands, and without years and frames; with whether a title is expected."""
    text = folded(text).strip()
    is_free = True
    for inner, is_sure in [(text, True), *unframed(text)]:
        is_free = is_sure
        for rest, year in _with_and_without_year(inner):
            yield rest, year, is_free


def _with_and_without_year(text: str) -> Iterator[tuple[str, int | None]]:
    yield text, None
    dated = split_year(text)
    if dated is not None:
        yield dated


def _entries(row: int, title: str, keys: list[Key]) -> Iterator[_Entry]:
    words = words_of(title)
    for key, _ in keys:
        yield _Entry(key, row, True, 0)
    for form in spellings(words):
        first = len(form) - len(without_article(form)) if form else 0
        for n in range(len(form)):
            ends = 0
            if n in (0, first):
                end = len("".join(form[n : first + 1]))
                for word in form[first + 1 :]:
                    end += len(word)
                    ends |= 1 << end
            yield _Entry("".join(form[n:]), row, n in (0, first), ends)
