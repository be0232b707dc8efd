"""Passages encoded by sentence-transformers itself: the reference, and the way to use a GPU.

Queries, token counts and the spec stay the graph's, so that vectors of either can be mixed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from services.embedder.model.conversion import load_reference
from shared.encoder import GraphEncoder, Vectors


class ReferenceEncoder:
    """An ``Encoder`` whose passages are encoded with torch."""

    def __init__(self, model: str, graph: GraphEncoder) -> None:
        self.spec = graph.spec
        self._graph = graph
        self._model = load_reference(model)
        self._model.max_seq_length = graph.spec.max_tokens
        self._lock = threading.Lock()  # its tokenizer is changed by each call

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_queries``."""
        return self._graph.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_passages``."""
        with self._lock:
            vectors = self._model.encode(
                [self.spec.passage_prompt + text for text in texts],
                batch_size=64,
                convert_to_numpy=True,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        return self._graph.without_direction(np.asarray(vectors, dtype=np.float32))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``Encoder.count_tokens``."""
        return self._graph.count_tokens(texts)
