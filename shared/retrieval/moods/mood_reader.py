"""Reads which tones a short text asks for. Pure.

``read_mood`` finds the longest phrases of ``occasions`` and ``feelings``. How much of the text they
are decides how much the tones count: "so tense I forget to breathe" is a mood, "korean thriller" is
not. A description is longer than ``MOST_WORDS`` and is never read, so plots are ranked as ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.retrieval.moods.feelings import FEELINGS
from shared.retrieval.moods.mood_phrases import NO_TONES, MoodPhrases, Weights
from shared.retrieval.moods.occasions import OCCASIONS
from shared.text.terms import fold

MOST_WORDS = 12
_REMEMBERED = 256  # a search asks several times for the tones of its text

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:st|nd|rd|th)?")
_ASKERS = frozenset((
    "i", "im", "ive", "id", "me", "my", "myself", "we", "weve", "our", "ours",
))  # fmt: skip
"""Words of somebody who speaks of themselves."""
_SMALL_WORDS = frozenset((
    *("a", "an", "the", "and", "or", "of", "in", "on", "at", "to", "for", "with", "from", "after"),
    *("is", "are", "it", "its", "this", "that", "these", "be", "being", "about", "so", "but"),
    *("i", "im", "ive", "id", "me", "my", "we", "our", "us", "you", "your", "up", "all", "some"),
    *("something", "anything", "movie", "movies", "film", "films", "story", "what", "which", "who"),
    *("can", "both", "just", "maybe", "really", "very", "too", "more", "little", "bit", "one"),
    *("want", "need", "feel", "feels", "feeling", "make", "makes", "made", "like", "would", "not"),
    *("no", "nothing", "show", "watch", "watching", "see", "give", "gives", "gets", "when"),
    *("had", "have", "been", "was", "while", "kind", "tonight", "today", "most", "pure", "purely"),
    *("totally", "absolutely", "good", "great", "nice", "best", "perfect", "then", "there"),
))  # fmt: skip
"""Words that do not count as said about the movie."""


@dataclass(frozen=True, slots=True)
class Mood:
    """The tones that a text asks for.

    Attributes:
        sought: The tones that suit.
        shunned: The tones that would be out of place; none of them is sought.
        share: How much of what the text says is its mood, above 0 and up to 1.
        text: The text without what it says of the asker; may be empty.
    """

    sought: Weights
    shunned: Weights
    share: float
    text: str


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    of: MoodPhrases


@lru_cache(_REMEMBERED)
def read_mood(text: str) -> Mood | None:
    """The mood of a text; None when it is a description or asks for no tone."""
    spans = [match.span() for match in _WORD.finditer(text)]
    if not 0 < len(spans) <= MOST_WORDS:
        return None
    words = [_folded(text[slice(*span)]) for span in spans]
    found = [*_found(words, speaks=_speaks(words))]
    sought = _strongest([each.of.sought for each in found])
    shunned = _strongest([each.of.shunned for each in found])
    # What one part of the text asks for is not unwelcome because of another part.
    shunned = {tone: weight for tone, weight in shunned.items() if tone not in sought}
    share = _share(words, found)
    if not sought or not share:
        return None
    return Mood(sought, shunned, share, _about_movie(text, words, spans, found))


@lru_cache(_REMEMBERED)
def tones_of(text: str) -> Weights:
    """The tones that a text names, such as "heavy" or "blood or violence"; empty for none."""
    words = [_folded(match[0]) for match in _WORD.finditer(text)]
    if len(words) > MOST_WORDS:
        return NO_TONES
    return _strongest([each.of.sought for each in _found(words, speaks=False)])


def _folded(word: str) -> str:
    plain = fold(word).replace("'", "").replace("’", "")
    return "#" if _NUMBER.fullmatch(plain) else plain


def _speaks(words: Sequence[str]) -> bool:
    """Whether somebody speaks of themselves."""
    return not _ASKERS.isdisjoint(words)


def _found(words: Sequence[str], *, speaks: bool) -> Iterator[_Found]:
    """The longest phrases, from left to right.

    Those that are as often topics of a movie are about the asker only where somebody ``speaks``.
    """
    start = 0
    while start < len(words):
        word = words[start]
        for phrase, of in (*_PHRASES.get(word, ()), *_PHRASES.get(word[:_STEM] + "*", ())):
            if _fits(phrase, words[start:]) and (speaks or not (of.of_asker and of.is_topic)):
                yield _Found(start, start + len(phrase), of)
                start += len(phrase)
                break
        else:
            start += 1


def _fits(phrase: Sequence[str], words: Sequence[str]) -> bool:
    return len(phrase) <= len(words) and all(
        word == part or (part[-1] == "*" and word.startswith(part[:-1]))
        for part, word in zip(phrase, words, strict=False)
    )


def _share(words: Sequence[str], found: Sequence[_Found]) -> float:
    covered = set[int]()
    for each in found:
        if each.of.of_asker or not each.of.is_topic:
            covered.update(range(each.start, each.end))
    if not covered:
        return 0.0
    telling = [n for n, word in enumerate(words) if word not in _SMALL_WORDS]
    share = sum(n in covered for n in telling) / len(telling) if telling else 1.0
    # Who speaks of themselves wants a mood, whatever else is said.
    if _speaks(words) or any(each.of.of_asker for each in found):
        return (1 + share) / 2
    return share**2


def _about_movie(
    text: str, words: Sequence[str], spans: Sequence[tuple[int, int]], found: Sequence[_Found]
) -> str:
    """The text without what is said of the asker; empty when only small words would be left."""
    of_asker = [each for each in found if each.of.of_asker]
    taken = {n for each in of_asker for n in range(each.start, each.end)}
    if all(n in taken or word in _SMALL_WORDS for n, word in enumerate(words)):
        return ""
    for each in reversed(of_asker):
        text = text[: spans[each.start][0]] + " " + text[spans[each.end - 1][1] :]
    return " ".join(text.split()).strip(" ,;:.!?-–—")


def _strongest(all_weights: Sequence[Weights]) -> dict[str, float]:
    strongest: dict[str, float] = {}
    for weights in all_weights:
        for tone, weight in weights.items():
            strongest[tone] = max(weight, strongest.get(tone, 0.0))
    return strongest


_STEM = 3
"""Letters by which a first word that ends in ``*`` is looked up; it has at least as many."""


def _by_first_word() -> dict[str, list[tuple[tuple[str, ...], MoodPhrases]]]:
    """All phrases by their first word, the longest first."""
    table: dict[str, list[tuple[tuple[str, ...], MoodPhrases]]] = {}
    for of in (*OCCASIONS, *FEELINGS):
        for phrase in map(str.split, of.phrases.split("|")):
            first = phrase[0]
            key = first[:_STEM] + "*" if first.endswith("*") else first
            table.setdefault(key, []).append((tuple(phrase), of))
    for phrases in table.values():
        phrases.sort(key=lambda each: -len(each[0]))
    return table


_PHRASES = _by_first_word()
