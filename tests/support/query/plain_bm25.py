"""BM25 of terms and of pairs of neighbours, computed plainly from the words of every document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, pairwise

K1, PAIR_WEIGHT = 2.5, 0.7

Document = Sequence[Sequence[str]]
"""Its terms, phrase by phrase."""


def plain_bm25(documents: Sequence[Document], query: Document) -> list[float]:
    """The score of each document."""
    words = [list(chain.from_iterable(document)) for document in documents]
    neighbours = [_pairs(document) for document in documents]
    average = sum(max(1, len(said)) for said in words) / len(documents)

    def idf(term: str) -> float:
        holding = sum(term in said for said in words)
        return math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))

    def score(row: int) -> float:
        norm = K1 * max(1, len(words[row])) / average

        def part(times: int, weight: float) -> float:
            return weight * times * (K1 + 1) / (times + norm)

        return sum(
            part(words[row].count(term), idf(term))
            for term in dict.fromkeys(chain.from_iterable(query))
        ) + sum(
            part(neighbours[row].count((one, other)), PAIR_WEIGHT * (idf(one) + idf(other)))
            for one, other in dict.fromkeys(_pairs(query))
        )

    return [score(row) for row in range(len(documents))]


def _pairs(document: Document) -> list[tuple[str, str]]:
    return list(chain.from_iterable(map(pairwise, document)))
