"""The words of a typed text, and which of them a part has used. Pure.

A rule looks at ``Reading.keys``, which are folded, and marks the words that it used. What remains
is put together from the text as it was written, so that a word that no rule used is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.retrieval.filters import EVERYTHING, Range
from shared.text.terms import fold

_IN_SHORT = r"(?<!\S)[wW]/(?:[oO](?:[uU][tT])?(?!\S))?"
WITH_OR_WITHOUT = re.compile(_IN_SHORT)
"""How people write "with" and "without" in haste: "w/" and "w/o"."""
_WORD = re.compile(
    r"(?<![\w-])\d{4}\s?[-–—]\s?\d{2,4}(?![\w-])"  # a span of years is one word
    rf"|{_IN_SHORT}"
    r"|[^\s,;:!?()\[\]{}\"“”„«»…–—/]+"
)
_EDGES = ".'’‘`-_*"
_BREAK = re.compile(r"[,;:.!?()\[\]{}\"“”„«»…–—\n]")

_SHORT_FORMS = {
    "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't", "arent": "aren't",
    "wasnt": "wasn't", "werent": "weren't", "cant": "can't", "wont": "won't", "aint": "ain't",
    "wouldnt": "wouldn't", "couldnt": "couldn't", "im": "i'm", "ive": "i've", "thats": "that's",
    "whats": "what's", "theres": "there's", "w/": "with", "w/o": "without", "w/out": "without",
    "smth": "something", "sth": "something", "smthn": "something", "smthg": "something",
    "somethin": "something", "sumthing": "something", "anythin": "anything", "nothin": "nothing",
    "&": "and", "+": "and", "n": "and", "b4": "before", "bc": "because", "pls": "please",
    "plz": "please", "mins": "minutes", "u": "you", "ppl": "people", "moive": "movie",
    "moives": "movies", "movei": "movie", "flim": "film", "flims": "films", "cannot": "can't",
}  # fmt: skip
"""Words as people type them in haste, with those that the rules know."""

KINDS = frozenset(
    ("movie", "movies", "film", "films", "flick", "flicks", "cinema", "feature", "features")
)
"""Words for what is searched. They say nothing beside a constraint."""
ARTICLES = frozenset(("a", "an", "the", "some", "any"))
NEGATORS = frozenset((
    "not", "no", "nothing", "never", "without", "none", "isn't", "aren't", "nor",
    "don't", "doesn't", "minus", "avoid", "avoiding", "except", "excluding",
    "hate", "less", "neither", "hardly", "rather", "instead", "wasn't", "weren't", "cannot",
    "other",
    "can't", "won't", "ain't", "non", "least", "anti", "zero", "dislike", "skip", "sick", "tired",
    "enough",
))  # fmt: skip
PEOPLE = frozenset((
    "man", "woman", "boy", "girl", "person", "people", "child", "children", "world", "town", "city",
    "country",
    "life", "lives", "hero", "heroine", "family", "mother", "father", "house", "soldier", "cop",
    "land", "place", "day", "night", "men", "women", "kids", "kid", "guy", "guys", "someone",
    "rebel", "detective", "doctor", "stranger", "village", "island", "king", "queen", "future",
    "society", "planet", "marriage", "couple", "friends", "dog", "cat", "robot", "war",
))  # fmt: skip
"""Who or what a story is about, so that what follows is no wish: "a man without a past"."""
_FUNCTION_WORDS = frozenset((
    *ARTICLES, "and", "or", "but", "of", "in", "on", "at", "to", "from", "by", "with", "for", "as",
    "is", "are", "was", "were", "be", "it", "its", "that", "which", "who", "whose", "where", "when",
    "this", "these", "those", "his", "her", "their", "my", "me", "i", "you", "we", "they", "he",
    "she", "them", "him", "into", "than", "then", "so", "very", "too", "not", "no", "about",
))  # fmt: skip
_DANGLE_BEFORE = frozenset((
    *ARTICLES, "and", "but", "or", "with", "from", "by", "in", "of", "that", "which", "is", "are",
    "that's", "to", "for", "on", "plus", "starring", "maybe", "preferably", "also", "it's",
))  # fmt: skip
_DANGLE_AFTER = frozenset(("and", "but", "or", "also", "plus"))
_TOPIC_STARTS = frozenset((
    "about", "where", "who", "whose", "when", "while", "whom", "wherein", "because", "during",
    "tells", "follows",
))  # fmt: skip
_TOPIC_PAIRS = frozenset((
    ("in", "which"), ("set", "in"), ("based", "on"), ("takes", "place"), ("set", "during"),
    ("taking", "place"), ("set", "on"), ("dealing", "with"), ("that", "takes"), ("that", "follows"),
    ("which", "takes"), ("that", "tells"), ("set", "at"),
))  # fmt: skip


@dataclass(slots=True)
class Reading:
    """A text that is being interpreted: its words, and the parts that were found so far.

    Attributes:
        text: The text as it was written.
        spans: Where each word is in the text.
        keys: The words, folded, with straight apostrophes.
        breaks: Whether punctuation follows the word.
        used: Whether a part used the word.
        topic: Whether the word tells what the movie is about, so that it is no constraint.
        year: When the movie was made.
        runtime: How many minutes it lasts.
        genres: Genres that it must have; of a group of several, one is enough.
        genres_none: Genres that it must not have.
        directors: Any of these directed it.
        people: Any of these took part in it.
        countries: It is from any of these.
        languages: It is in any of these.
        avoid: What it should not be about.
        like: Rows of movies that it should be like.
    """

    text: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    breaks: list[bool] = field(default_factory=list)
    used: list[bool] = field(default_factory=list)
    year: Range = EVERYTHING.year
    runtime: Range = EVERYTHING.runtime_minutes
    genres: list[tuple[str, ...]] = field(default_factory=list)
    genres_none: list[str] = field(default_factory=list)
    directors: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    avoid: list[str] = field(default_factory=list)
    like: list[int] = field(default_factory=list)
    topic: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        for match in _WORD.finditer(self.text):
            start, end = match.span()
            while start < end and self.text[start] in _EDGES:
                start += 1
            while start < end and self.text[end - 1] in _EDGES:
                end -= 1
            if start < end:
                self.spans.append((start, end))
                key = fold(self.text[start:end]).replace("’", "'")
                self.keys.append(_SHORT_FORMS.get(key, key))
        self.used = [False] * len(self.keys)
        ends = [end for _, end in self.spans]
        starts = [start for start, _ in self.spans[1:]]
        between = zip(ends, [*starts, len(self.text)], strict=False)
        self.breaks = [bool(_BREAK.search(self.text, end, start)) for end, start in between]
        self.mark_topics()

    def __len__(self) -> int:
        return len(self.keys)

    def again(self, text: str) -> Reading:
        """What remains of the text, to be read again with the parts that were found so far."""
        return Reading(
            text,
            year=self.year,
            runtime=self.runtime,
            genres=[*self.genres],
            genres_none=[*self.genres_none],
            directors=[*self.directors],
            people=[*self.people],
            countries=[*self.countries],
            languages=[*self.languages],
            avoid=[*self.avoid],
            like=[*self.like],
        )

    def mark_topics(self) -> None:
        """Find what belongs to a clause that says what happens: "about kids", "who hates war"."""
        self.topic = [False] * len(self.keys)
        inside = False
        for i, key in enumerate(self.keys):
            pair = (key, self.keys[i + 1]) if i + 1 < len(self.keys) else None
            inside = inside or key in _TOPIC_STARTS or pair in _TOPIC_PAIRS
            self.topic[i] = inside
            if self.breaks[i]:
                inside = False

    def use(self, first: int, last: int) -> None:
        """Mark the words from ``first`` up to, without, ``last``."""
        for i in range(first, last):
            self.used[i] = True

    def free(self, first: int, last: int) -> bool:
        """Whether these words exist, and no part used one of them."""
        return first >= 0 and last <= len(self.keys) and not any(self.used[first:last])

    def joined(self, first: int, last: int) -> bool:
        """Whether no punctuation separates these words."""
        return not any(self.breaks[first : last - 1])

    def phrase(self, first: int, last: int) -> str:
        """Folded words with a space between them."""
        return " ".join(self.keys[first:last])

    def written(self, first: int, last: int) -> str:
        """The words as they were written, with what is between them."""
        return self.text[self.spans[first][0] : self.spans[last - 1][1]] if first < last else ""

    def key(self, i: int) -> str:
        """The word at a position; empty beyond the ends."""
        return self.keys[i] if 0 <= i < len(self.keys) else ""

    def ends_at(self, i: int) -> bool:
        """Whether a phrase that ends before position ``i`` ends a clause there."""
        return i >= len(self.keys) or self.breaks[i - 1] or self.used[i]

    def starts_at(self, i: int) -> bool:
        """Whether a clause starts at position ``i``."""
        return i == 0 or self.breaks[i - 1] or self.used[i - 1]

    def negated(self, i: int, within: int = 4) -> bool:
        """Whether a negating word precedes position ``i`` in its clause, used or not."""
        for back in range(i - 1, max(-1, i - 1 - within), -1):
            if self.breaks[back]:
                return False
            key = self.keys[back]
            if (key in NEGATORS and (key != "non" or back == i - 1)) or key.endswith("n't"):
                return True
        return False

    def is_named(self) -> bool:
        """Whether the text is written as a title is: "Without a Clue", not "WITHOUT BLOOD"."""
        initials = [
            self.text[first]
            for (first, _), key in zip(self.spans, self.keys, strict=True)
            if key not in _FUNCTION_WORDS
        ]
        is_named = len(initials) > 1 and all(map(str.isupper, initials))
        return is_named and not self.text.isupper()

    def content_words(self) -> int:
        """How many words that were not used mean something by themselves."""
        return sum(
            not used and key not in _FUNCTION_WORDS
            for key, used in zip(self.keys, self.used, strict=True)
        )

    def has_parts(self) -> bool:
        """Whether anything was understood so far."""
        lists = (self.genres, self.genres_none, self.directors, self.people, self.countries)
        has_parts = any((*lists, self.languages, self.avoid, self.like))
        return has_parts or not (self.year.is_open and self.runtime.is_open)

    def words_left(self) -> int:
        """How many words were not used."""
        return self.used.count(False)

    def tidy(self) -> None:
        """Mark words that mean nothing without the used words beside them: "from", "a", "movie"."""
        if not any(self.used):
            return
        for i in range(len(self)):
            if self.keys[i] in KINDS and not self.topic[i] and self._beside_used(i):
                self.used[i] = True
        for i in range(len(self) - 1, -1, -1):
            binds = self.keys[i] in _DANGLE_BEFORE and i + 1 < len(self) and self.used[i + 1]
            if binds or self._lost_its_noun(i):
                self.used[i] = True
        for i in range(1, len(self)):
            if all(self.used[:i]) and self.keys[i] in _DANGLE_AFTER:
                self.used[i] = True

    def rest(self) -> str:
        """What no part used, as it was written."""
        if not any(self.used):
            return self.text
        pieces: list[str] = []
        previous = -1
        for i in range(len(self)):
            if self.used[i]:
                continue
            if previous >= 0:
                if previous == i - 1:
                    pieces.append(self.text[self.spans[previous][1] : self.spans[i][0]])
                else:
                    pieces.append(", " if any(self.breaks[previous:i]) else " ")
            pieces.append(self.written(i, i + 1))
            previous = i
        return "".join(pieces)

    def _beside_used(self, i: int) -> bool:
        before = i > 0 and self.used[i - 1]
        return before or (i + 1 < len(self) and self.used[i + 1])

    def _lost_its_noun(self, i: int) -> bool:
        """Whether an article's noun, at most three words behind it, was used."""
        if self.used[i] or self.keys[i] not in {"a", "an"}:
            return False
        for ahead in range(i + 1, min(len(self), i + 4)):
            if self.used[ahead]:
                return True
            if self.breaks[ahead] or self.keys[ahead] in _FUNCTION_WORDS:
                return False
        return False


def phrases_by_first(phrases: Iterable[str]) -> dict[str, list[tuple[str, ...]]]:
    """Phrases by their first words, longest first, for ``match``."""
    grouped: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        words = tuple(phrase.split())
        grouped.setdefault(words[0], []).append(words)
    for group in grouped.values():
        group.sort(key=len, reverse=True)
    return grouped


def match(reading: Reading, i: int, grouped: dict[str, list[tuple[str, ...]]]) -> int:
    """The length of the longest of the phrases that stands at position ``i``; 0 for none."""
    for words in grouped.get(reading.key(i), ()):
        if tuple(reading.keys[i : i + len(words)]) == words and reading.free(i, i + len(words)):
            return len(words)
    return 0


def both(one: Range, other: Range) -> Range:
    """What two conditions of a text mean together: "after 1990, before 2000", "70s, 90s"."""
    if one.is_open:
        return other
    lows = [end for end in (one.gte, other.gte) if end is not None]
    highs = [end for end in (one.lte, other.lte) if end is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is None or high is None or low <= high:
        return Range(low, high)
    if len(lows) == len(highs) == 2:
        return Range(min(lows), max(highs))
    return one
