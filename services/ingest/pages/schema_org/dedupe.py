"""Finds reviews that a page contains twice, as JSON-LD and as microdata, and merges them. Pure.

Two reviews are duplicates if they have the same id, or the same link of their own (not that of
their page) and do not name different authors. If these are missing, they are duplicates if their
texts begin with the same words and do not name different authors, or if their texts are long and
equal. Each review has at most one duplicate, so that two viewers who both wrote "Great film!"
remain two.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
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


Key = tuple[str | bool, ...]


class Duplicates:
    """Finds the duplicate of a review among the reviews in another syntax.

    The time for a page is in proportion to its reviews, even if all of them begin alike.

    Args:
        reviews: The reviews of one movie in the other syntax.
        pages: Addresses of the page, which many reviews give as their link.
    """

    def __init__(self, reviews: Sequence[ReviewItem], pages: Collection[str] = ()) -> None:
        self._pages = frozenset(pages)
        self._free = [True] * len(reviews)
        keys: list[Key]
        self._queues: dict[Key, deque[int]] = defaultdict(deque)
        for at, review in enumerate(reviews):
            author = _author(review)
            for name in self._names(review):
                keys = [("name", name), ("name", name, author)]
                for key in keys:
                    self._queues[key].append(at)
            words = _words(review.text)
            has_id = bool(review.external_id)
            head = words[:HEAD_CHARS]
            keys = [
                ("head", head, has_id), ("head", head, has_id, author), ("words", words, has_id)
            ]  # fmt: skip
            for key in keys:
                self._queues[key].append(at)

    def find(self, review: ReviewItem) -> int | None:
        """Find the duplicate of a review; further calls do not find it again.

        Returns:
            Its position in ``reviews``; None when there is no duplicate.
        """
        author = _author(review)
        for name in self._names(review):
            keys: list[Key] = [("name", name)]
            if name != review.external_id and author:
                keys = [("name", name, author), ("name", name, "")]
            at = self._take_first(keys)
            if at is not None:
                return at
        words = _words(review.text)
        # Two ids differ, because equal ones were matched before.
        with_ids = (False,) if review.external_id else (False, True)
        head = words[:HEAD_CHARS]
        keys = []
        for has_id in with_ids:
            if author:
                keys += [("head", head, has_id, author), ("head", head, has_id, "")]
            else:
                keys.append(("head", head, has_id))
            if len(words) >= HEAD_CHARS:
                keys.append(("words", words, has_id))
        return self._take_first(keys)

    def _take_first(self, keys: Iterable[Key]) -> int | None:
        """The first free position in some queues, which is free no more."""
        first: int | None = None
        for key in keys:
            queue = self._queues.get(key)
            while queue and not self._free[queue[0]]:
                queue.popleft()
            if queue and (first is None or queue[0] < first):
                first = queue[0]
        if first is not None:
            self._free[first] = False
        return first

    def _names(self, review: ReviewItem) -> list[str]:
        names = (review.external_id, review.url)
        return [name for name in names if name and name not in self._pages]


def _author(review: ReviewItem) -> str:
    """The author's name, without case; empty when it is not known: it may be anyone's review."""
    return clean_text(review.author).casefold() if review.author else ""


def _words(text: str) -> str:
    return _NOT_WORDS.sub("", clean_text(text)).casefold()
