"""A cache of query vectors (LRU), so that a repeated query is not encoded again.

A vector is cached under its encoder's id, so that a query never gets another model's vector. Not
thread-safe: only the work thread uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from services.query.serving.metrics import Metrics
from shared.encoder import Encoder, Vectors

Vector = npt.NDArray[np.float32]


class QueryVectors:
    """Encodes queries that are not in its cache."""

    def __init__(self, capacity: int, *, metrics: Metrics) -> None:
        """Start with an empty cache.

        Args:
            capacity: Number of vectors to cache, at about 2 KB each; 0 disables the cache.
            metrics: Metrics that count cached and encoded queries.
        """
        self._cache: LRUCache[tuple[str, str], Vector] = LRUCache(capacity)
        self._remembered = metrics.query_vectors.labels("remembered")
        self._encoded = metrics.query_vectors.labels("encoded")

    def encode(self, encoder: Encoder, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts; a text that occurs twice is encoded once.

        Args:
            encoder: Encodes the texts that are not in the cache.
            texts: The queries.

        Returns:
            Unit rows, float32, shape ``(len(texts), dim)``.

        Raises:
            Exception: the error of the encoder; the cache is unchanged then.
        """
        encoder_id = encoder.spec.encoder_id
        distinct = dict.fromkeys(texts)
        vectors: dict[str, Vector] = {}
        for text in distinct:
            vector = self._cache.get((encoder_id, text))
            if vector is not None:
                vectors[text] = vector
        missing = [text for text in distinct if text not in vectors]
        if missing:
            vectors.update(zip(missing, encoder.encode_queries(missing), strict=True))
            self._encoded.inc(len(missing))
        self._remembered.inc(len(texts) - len(missing))
        if self._cache.maxsize:  # a cache of size 0 refuses every item
            for text in missing:
                # A copy, because a row would keep the whole batch in memory.
                self._cache[encoder_id, text] = vectors[text].copy()
        return np.stack([vectors[text] for text in texts])
