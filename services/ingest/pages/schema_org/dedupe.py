"""One review, said twice on a page: once as JSON-LD, once as microdata. Pure.

Twins have the same own id or the same link. Where these are missing, their words begin alike, and
no two authors are named; words that are long and wholly alike are enough. Each review has one twin
at most, so that two viewers who both wrote "Great film!" stay two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.items import MovieItem, ReviewItem

HEAD_CHARS = 40  # of the letters and digits; no two long reviews begin with the same

_NOT_WORDS = re.compile(r"[\W_]+")


def merged_movie(first: MovieItem, second: MovieItem) -> MovieItem:
    """What either says of one film, the first before the second."""
    return replace(first, **_missing(first, second))


def merged_review(first: ReviewItem, second: ReviewItem) -> ReviewItem:
    """What either says of one review, the first before the second; of the texts the longer."""
    text = max(first.text, second.text, key=lambda text: len(_words(text)))
    return replace(first, **{**_missing(first, second), "text": text})


def _missing(first: MovieItem | ReviewItem, second: MovieItem | ReviewItem) -> dict[str, Any]:
    return {
        field.name: getattr(second, field.name)
        for field in fields(first)
        if getattr(first, field.name) in (None, ())
    }


class Twins:
    """Finds the twin of a review among those that another syntax gave.

    Args:
        reviews: Reviews of one film; positions count from here.
    """

    def __init__(self, reviews: Sequence[ReviewItem]) -> None:
        self._reviews = list(reviews)
        self._free = set(range(len(self._reviews)))
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._by_head: dict[str, list[int]] = defaultdict(list)
        for at, review in enumerate(self._reviews):
            for name in _names(review):
                self._by_name[name].append(at)
            self._by_head[_words(review.text)[:HEAD_CHARS]].append(at)

    def find(self, review: ReviewItem) -> int | None:
        """The position of its twin, which is taken from then on; None when it has none."""
        for name in _names(review):
            for at in self._by_name.get(name, ()):
                if at in self._free:
                    self._free.discard(at)
                    return at
        words = _words(review.text)
        for at in self._by_head.get(words[:HEAD_CHARS], ()):
            if at in self._free and _alike(self._reviews[at], review, words):
                self._free.discard(at)
                return at
        return None


def _names(review: ReviewItem) -> list[str]:
    return [name for name in (review.own_id, review.url) if name]


def _alike(first: ReviewItem, second: ReviewItem, words: str) -> bool:
    """Whether two reviews that begin alike are one."""
    if first.own_id and second.own_id:
        return False  # and the ids differ, or they would have been found by them
    authors = {clean_text(name).casefold() for name in (first.author, second.author) if name}
    if len(authors) < 2:
        return True
    return len(words) >= HEAD_CHARS and _words(first.text) == words


def _words(text: str) -> str:
    return _NOT_WORDS.sub("", clean_text(text)).casefold()
