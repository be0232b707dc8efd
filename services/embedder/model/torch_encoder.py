"""Encodes passages with sentence-transformers on torch, which can use a GPU.

Queries, token counts and the spec are the graph's, so that vectors of both can be mixed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from services.embedder.model.conversion import load_torch_model
from shared.encoder import GraphEncoder, Vectors


class TorchEncoder:
    """An ``Encoder`` that encodes passages with torch.

    Args:
        model: Value of the setting ``ENCODER_MODEL``.
        graph: Encoder of the same model's artefact, for queries and token counts.
    """

    def __init__(self, model: str, graph: GraphEncoder) -> None:
        self.spec = graph.spec
        self._graph = graph
        self._model = load_torch_model(model)
        with suppress(AttributeError):  # a model without a transformer has no limit
            self._model.max_seq_length = graph.spec.max_tokens
        self._lock = threading.Lock()  # each call changes the state of its tokenizer

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_queries``."""
        return self._graph.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_passages``."""
        with self._lock:
            vectors = self._model.encode(
                list(texts),
                prompt=self.spec.passage_prompt,
                truncate_dim=self.spec.dim,
                batch_size=64,
                convert_to_numpy=True,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        return self._graph.without_direction(np.asarray(vectors, dtype=np.float32))

    @property
    def passage_tokens(self) -> int:
        """See ``Encoder.passage_tokens``."""
        return self._graph.passage_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``Encoder.count_tokens``."""
        return self._graph.count_tokens(texts)
