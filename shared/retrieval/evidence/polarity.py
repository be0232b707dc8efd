"""Whether a text pans a movie, by the words it uses. Pure.

Words that pan count against words that praise; a denial turns both around: "not worth it", "never
boring". Only a text that is plainly negative is a pan: what a story tells of ("a terrible war", "an
ugly city") is none. General English; a text of another language is never a pan by its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from shared.retrieval.evidence.denial import tokens_of, within_denial
from shared.retrieval.evidence.evaluative import MADE, MERITS, PAN, PRAISE, WEAK_PAN
from shared.retrieval.evidence.families import words_of
from shared.retrieval.evidence.negators import FAR, REACH

LOW_RATING = 4.0
"""A review with at most this rating of 10 pans its movie."""
HIGH_RATING = 7.0
"""From this rating on a review praises its movie, so that a passage of it must pan more plainly."""
PLAINLY = -2
_CACHED_TEXTS = 4096  # pages of results often have the same passages
_POINTS = re.compile(r"(?<![\d/.])(\d\d?(?:[.,]\d)?)\s?(?:/|out of )\s?10(?![\d/])")


def is_low(rating: float | None) -> bool:
    """Whether a review's rating pans the movie."""
    return rating is not None and rating <= LOW_RATING


@lru_cache(_CACHED_TEXTS)
def is_pan(text: str, rating: float | None) -> bool:
    """Whether a text is plainly negative.

    Args:
        text: A plain text (``families.plain``).
        rating: The rating of the review it is of; None when the review has none.
    """
    words = words_of(text)
    concerned = _CONCERNED.intersection(words)
    if not concerned:
        return False  # the usual case
    if "10" in concerned:
        points = _POINTS.search(text)
        if points is not None and is_low(float(points[1].replace(",", "."))):
            return True
    least = PLAINLY - 1 if rating is not None and rating >= HIGH_RATING else PLAINLY
    if not concerned.isdisjoint(MERITS) and _denies_merit(text, words):
        return tone(tokens_of(text)) <= least
    most = _most_against(words, concerned)
    if most < -least or most - len(PRAISE.intersection(words)) < -least:
        return False
    return tone(tokens_of(text)) <= least


_CONCERNED = PAN | WEAK_PAN | MERITS | {"10"}


def _most_against(words: Sequence[str], concerned: AbstractSet[str]) -> int:
    """What words count against a movie at most, each counted once and none of them denied."""
    weak = len(concerned & WEAK_PAN)
    if weak and not MADE.isdisjoint(words):
        weak *= 2
    return 2 * len(concerned & PAN) + weak


def _denies_merit(text: str, words: Sequence[str]) -> bool:
    """Whether a merit stands behind a denial: a fast first look."""
    if "n't" not in text and _TURNING.isdisjoint(words):
        return False
    return any(
        (word in _TURNING or word.endswith("n't"))
        and not MERITS.isdisjoint(words[at + 1 : at + 1 + FAR])
        for at, word in enumerate(words)
    )


_TURNING = frozenset(phrase for phrase in REACH if " " not in phrase)


def tone(tokens: Sequence[str]) -> int:
    """What a text's words amount to: praise above 0, pans below."""
    denied = within_denial(tokens)
    total = 0
    for at, token in enumerate(tokens):
        if token in PAN:
            total += 1 if denied[at] else -2
        elif token in WEAK_PAN:
            if denied[at]:
                total += 1
            else:
                total -= 2 if _is_of_the_making(tokens, at) else 1
        elif denied[at] and token in MERITS:
            total -= 2
        elif token in PRAISE and not denied[at]:
            total += 1
    return total


def _is_of_the_making(tokens: Sequence[str], at: int) -> bool:
    """Whether a word is said of the movie or of what it is made of."""
    return not MADE.isdisjoint(tokens[max(0, at - 3) : at + 4])
