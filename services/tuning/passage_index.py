"""BM25 over single passages, to find those that say what a text says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

K1, B = 1.2, 0.75
"""The usual constants (Robertson and Zaragoza, 2009); the ranking of searches has others."""


class PassageIndex:
    """Scores passages by the words that they share with a text.

    Example:
        The passage of three that is about trains::

            index = PassageIndex(["a slow train", "the sea", "love"], str.split)
            assert index.scores("train journeys by train").argmax() == 0

    Args:
        passages: Their texts.
        terms_of: Cuts a text into terms.
    """

    def __init__(self, passages: Sequence[str], terms_of: Callable[[str], Sequence[str]]) -> None:
        self._terms_of = terms_of
        self._columns: dict[str, int] = {}
        rows, columns, counts = [], [], []
        lengths = np.zeros(len(passages))
        for row, passage in enumerate(passages):
            terms = terms_of(passage)
            lengths[row] = len(terms)
            for term, count in Counter(terms).items():
                rows.append(row)
                columns.append(self._columns.setdefault(term, len(self._columns)))
                counts.append(count)
        shape = (len(passages), max(1, len(self._columns)))
        matrix = sparse.csr_matrix((np.array(counts, np.float32), (rows, columns)), shape=shape)
        mean = lengths.mean() if len(lengths) else 1.0
        norms = K1 * (1 - B + B * lengths / max(mean, 1.0))
        documents = np.diff(matrix.tocsc().indptr)
        self._idf = np.log1p((len(passages) - documents + 0.5) / (documents + 0.5))
        of_row = np.repeat(norms, np.diff(matrix.indptr))
        matrix.data = matrix.data * (K1 + 1) / (matrix.data + of_row)
        self._weights = matrix.tocsc()

    def scores(self, text: str) -> npt.NDArray[np.float64]:
        """The BM25 score of every passage, shape ``(passages,)``; each term counts once."""
        known = {self._columns[term] for term in self._terms_of(text) if term in self._columns}
        columns = sorted(known)
        if not columns:
            return np.zeros(self._weights.shape[0])
        scores: npt.NDArray[np.float64] = self._weights[:, columns] @ self._idf[columns]
        return scores
