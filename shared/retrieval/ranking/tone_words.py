"""The scores of movies by the words of tones, which few texts have: kept for the next search."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from shared.retrieval.query import Rows
from shared.retrieval.ranking.word_scores import Words

MOST_MOVIES: Final = 200_000
"""In a larger catalogue the first search for each tone would take too long."""
MOST_BYTES: Final = 16 * 1024 * 1024

_Scores = npt.NDArray[np.float32]


class ToneWords:
    """Scores one snapshot's movies by texts of tones; not thread-safe.

    Args:
        words: Scores the movies of the snapshot.
        movies: How many movies it has.
    """

    def __init__(self, words: Words, movies: int) -> None:
        self._words = words
        self._movies = movies
        self._scores: LRUCache[str, _Scores] = LRUCache(MOST_BYTES, getsizeof=_bytes)

    def scores(self, text: str, rows: Rows) -> _Scores:
        """The scores of movies, 0 where no word is shared, shape ``(n,)``.

        Args:
            text: The words of tones.
            rows: The movies, in any order and with repeats, shape ``(n,)``.
        """
        if self._movies > MOST_MOVIES:
            among = np.unique(rows)
            scores = np.zeros(len(among), np.float32)
            found = self._words.find(self._words.phrases(text), len(among), among=among)
            scores[np.searchsorted(among, found.rows)] = found.scores
            return scores[np.searchsorted(among, rows)]
        return self._all_scores(text)[rows]

    def best(self, text: str, most: int, *, among: Rows | None) -> Rows:
        """The rows of the movies with the highest scores above 0, in any order."""
        if self._movies > MOST_MOVIES:
            return self._words.find(self._words.phrases(text), most, among=among).rows
        scores = self._all_scores(text)
        if among is not None:
            scores = scores[among]
        places = np.argpartition(scores, -most)[-most:] if most < len(scores) else slice(None)
        rows = np.arange(len(scores)) if among is None else among
        return rows[places][scores[places] > 0]

    def _all_scores(self, text: str) -> _Scores:
        scores: _Scores | None = self._scores.get(text)
        if scores is None:
            scores = np.zeros(self._movies, np.float32)
            found = self._words.find(self._words.phrases(text), max(1, self._movies), among=None)
            scores[found.rows] = found.scores
            self._scores[text] = scores
        return scores


def _bytes(scores: _Scores) -> int:
    return scores.nbytes
