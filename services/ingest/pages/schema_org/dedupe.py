"""Finds reviews that a page contains twice, as JSON-LD and as microdata, and merges them. Pure.

Two reviews are duplicates if they have the same id, or the same link of their own (not that of
their page) and do not name different authors. If these are missing, they are duplicates if their
texts begin with the same words and do not name different authors, or if their texts are long and
equal. Each review has at most one duplicate, so that two viewers who both wrote "Great film!"
remain two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
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
        pages: Addresses of the page, which many reviews give as their link.
    """

    def __init__(self, reviews: Sequence[ReviewItem], pages: Collection[str] = ()) -> None:
        self._pages = frozenset(pages)
        self._reviews = list(reviews)
        self._free = set(range(len(self._reviews)))
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._by_head: dict[str, list[int]] = defaultdict(list)
        for at, review in enumerate(self._reviews):
            for name in self._names(review):
                self._by_name[name].append(at)
            self._by_head[_words(review.text)[:HEAD_CHARS]].append(at)

    def find(self, review: ReviewItem) -> int | None:
        """Find the duplicate of a review; further calls do not find it again.

        Returns:
            Its position in ``reviews``; None when there is no duplicate.
        """
        for name in self._names(review):
            for at in self._by_name.get(name, ()):
                is_id = name == review.external_id
                if at in self._free and (is_id or _may_be_one_author(self._reviews[at], review)):
                    self._free.discard(at)
                    return at
        words = _words(review.text)
        for at in self._by_head.get(words[:HEAD_CHARS], ()):
            if at in self._free and _alike(self._reviews[at], review, words):
                self._free.discard(at)
                return at
        return None

    def _names(self, review: ReviewItem) -> list[str]:
        names = (review.external_id, review.url)
        return [name for name in names if name and name not in self._pages]


def _may_be_one_author(first: ReviewItem, second: ReviewItem) -> bool:
    authors = {clean_text(name).casefold() for name in (first.author, second.author) if name}
    return len(authors) < 2


def _alike(first: ReviewItem, second: ReviewItem, words: str) -> bool:
    """Whether two reviews whose texts begin with the same words are duplicates."""
    if first.external_id and second.external_id:
        return False  # their ids differ, because equal ids were matched before
    if _may_be_one_author(first, second):
        return True
    return len(words) >= HEAD_CHARS and _words(first.text) == words


def _words(text: str) -> str:
    return _NOT_WORDS.sub("", clean_text(text)).casefold()
