"""The vectors of the latest queries, so that a query asked again is not encoded again.

Bounded, the least recently asked goes first. A vector is kept under its encoder's id, so another
model never answers for it. For one thread: the work thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.query.serving.metrics import Metrics
from shared.encoder import Encoder, Vectors

Vector = npt.NDArray[np.float32]


class QueryVectors:
    """Encodes queries, each once as long as it is remembered."""

    def __init__(self, most: int, *, metrics: Metrics) -> None:
        """Remember nothing yet.

        Args:
            most: Of how many queries the vectors are kept, at about 2 KB each.
            metrics: Told how many were remembered and how many encoded.
        """
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Vector] = OrderedDict()
        self._remembered = metrics.query_vectors.labels("remembered")
        self._encoded = metrics.query_vectors.labels("encoded")

    def encode(self, encoder: Encoder, texts: Sequence[str]) -> Vectors:
        """Unit rows, float32, shape ``(len(texts), dim)``; a text that repeats is encoded once.

        Raises:
            Exception: what the encoder raised; nothing is remembered then.
        """
        encoder_id = encoder.spec.encoder_id
        found: dict[str, Vector] = {}
        for text in dict.fromkeys(texts):
            vector = self._kept.get((encoder_id, text))
            if vector is not None:
                self._kept.move_to_end((encoder_id, text))
                found[text] = vector
        wanted = [text for text in dict.fromkeys(texts) if text not in found]
        if wanted:
            vectors = encoder.encode_queries(wanted)
            self._encoded.inc(len(wanted))
            found.update(zip(wanted, vectors, strict=True))
        self._remembered.inc(len(texts) - len(wanted))
        for text in wanted:
            # A copy: a row would keep the whole batch.
            self._kept[encoder_id, text] = found[text].copy()
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return np.stack([found[text] for text in texts])
