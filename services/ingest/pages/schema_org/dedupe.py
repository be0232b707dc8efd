"""Finds reviews that a page contains twice, as JSON-LD and as microdata, and merges them. Pure.

Two reviews are duplicates if they have the same id or the same link. If these are missing, they are
duplicates if their texts begin with the same words and do not name different authors, or if their
texts are long and equal. Each review has at most one duplicate, so that two viewers who both wrote
"Great film!" remain two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.items import MovieItem, ReviewItem

HEAD_CHARS = 40  # letters and digits; no two long reviews begin with the same 40

_NOT_WORDS = re.compile(r"[\W_]+")


def merged_movie(first: MovieItem, second: MovieItem) -> MovieItem:
    """Merge two descriptions of a movie; values of the first take precedence."""
    return replace(first, **_missing(first, second))


def merged_review(first: ReviewItem, second: ReviewItem) -> ReviewItem:
    """Merge two versions of a review; values of the first take precedence, but the longer text."""
    text = max(first.text, second.text, key=lambda text: len(_words(text)))
    return replace(first, **{**_missing(first, second), "text": text})


def _missing(first: MovieItem | ReviewItem, second: MovieItem | ReviewItem) -> dict[str, Any]:
    return {
        field.name: getattr(second, field.name)
        for field in fields(first)
        if getattr(first, field.name) in (None, ())
    }


class Duplicates:
    """Finds the duplicate of a review among the reviews in another syntax.

    Args:
        reviews: The reviews of one movie in the other syntax.
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
        """Find the duplicate of a review; further calls do not find it again.

        Returns:
            Its position in ``reviews``; None when there is no duplicate.
        """
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
    return [name for name in (review.external_id, review.url) if name]


def _alike(first: ReviewItem, second: ReviewItem, words: str) -> bool:
    """Whether two reviews whose texts begin with the same words are duplicates."""
    if first.external_id and second.external_id:
        return False  # their ids differ, because equal ids were matched before
    authors = {clean_text(name).casefold() for name in (first.author, second.author) if name}
    if len(authors) < 2:
        return True
    return len(words) >= HEAD_CHARS and _words(first.text) == words


def _words(text: str) -> str:
    return _NOT_WORDS.sub("", clean_text(text)).casefold()
