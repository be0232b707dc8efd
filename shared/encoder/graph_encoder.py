"""The encoder of an artefact: its tokenizer, graphs and common direction."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from shared.encoder.artefact import (
    DIRECTION,
    GRAPH,
    QUERY_GRAPH,
    TOKENIZER,
    EncoderInvalid,
    EncoderSpec,
    read_artefact,
)
from shared.encoder.batches import TEXTS_PACKED, bulk_batches, cheapest_batches
from shared.encoder.graph import Graph, Vectors
from shared.encoder.layout import WIDTH_STEP, Layout, one_a_row, packed
from shared.encoder.precision import choose, has_bf16, has_vnni
from shared.encoder.runtime import ov
from shared.encoder.text_tokens import TextTokens
from shared.settings import Precision
from shared.snapshot.storage.verify import VerificationCache

LEAST_PASSAGE_TOKENS = 8
INFERENCE_TOKENS = 48  # measured fixed cost of one inference, in tokens


class Encoder(Protocol):
    """Encodes text to unit vectors. Thread-safe.

    Example:
        The dot product of a query and a passage is their cosine similarity::

            query = encoder.encode_queries(["slow and melancholic"])
            passages = encoder.encode_passages(["A quiet, sad movie.", "Car chases!"])
            similarities = passages @ query[0]

    Attributes:
        spec: Identity of the encoder.
        passage_tokens: Longest passage in word pieces: as the spec says, or what the model reads if
            that is less. Of a longer one, the end would be cut off.
    """

    spec: EncoderSpec

    @property
    def passage_tokens(self) -> int:
        """The longest passage in word pieces."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode queries; returns unit vectors, float32, shape ``(len(texts), spec.dim)``."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Encode passages; returns unit vectors, float32, shape ``(len(texts), spec.dim)``."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the word pieces of each text, without special tokens."""
        ...


class GraphEncoder:
    """An encoder that runs an artefact's graphs on the CPU, with OpenVINO.

    A graph is loaded when it is first needed: the query service never loads the graph of the
    passages, unless that one encodes its queries too. Thread-safe: threads take turns to infer, and
    tokenize passages meanwhile.

    Example:
        Open the artefact of a snapshot's encoder and encode a query::

            folder = artefact_folder(Path("data/snapshots"), manifest.encoder.encoder_id)
            encoder = GraphEncoder(folder, encoder_id=manifest.encoder.encoder_id)
            [vector] = encoder.encode_queries(["slow and melancholic"])

    Attributes:
        spec: Identity of the encoder.
        precision: Precision in which queries are encoded.
        passage_precision: Precision in which passages are encoded.
    """

    def __init__(
        self, folder: Path, *, encoder_id: str | None = None, threads: int = 1,
        precision: Precision = "auto", keep_direction: bool = False,
        verified: VerificationCache | None = None,
    ) -> None:  # fmt: skip
        """Open and verify an artefact.

        Args:
            folder: Folder of the artefact.
            encoder_id: The expected encoder; None for any.
            threads: Number of threads of one inference; 1 for single queries.
            precision: Setting of the arithmetic, see ``shared.encoder.precision.choose``.
            keep_direction: Whether to keep the common direction, as the bare model does. Such
                vectors must not be compared with a snapshot's.
            verified: Cache of the files that have been verified before.

        Raises:
            EncoderInvalid: The artefact is missing, damaged, or of another encoder.
        """
        artefact = read_artefact(folder, encoder_id=encoder_id, verified=verified)
        self.spec = artefact.encoder
        self._folder = folder
        self._threads = threads
        self._core = ov.Core()
        self._core.set_property({"ENABLE_MMAP": True})
        self.precision, self.passage_precision = choose(
            precision, bf16=has_bf16(self._core), int8=artefact.has_int8 and has_vnni()
        )
        self._graphs: dict[str, Graph] = {}
        self._direction = (
            np.load(folder / DIRECTION, allow_pickle=False)
            if self.spec.direction_sha256 is not None and not keep_direction
            else None
        )
        self._lock = threading.Lock()
        self._tokens = TextTokens(folder / TOKENIZER, max_tokens=self.spec.max_tokens)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_queries``."""
        vectors = np.empty((len(texts), self.spec.dim), dtype=np.float32)
        with self._lock:
            graph = self._graph(QUERY_GRAPH if self.precision == "int8" else GRAPH)
            ids = self._tokens.ids(self.spec.query_prompt, texts)
            unpooled = self._unpooled(self.spec.query_prompt)
            for batch in self._query_batches(graph, ids):
                rows = [ids[n] for n in batch]
                layout = self._query_layout(graph, rows)
                vectors[batch] = graph.infer(rows, layout, unpooled=unpooled)
        return self.without_direction(vectors)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_passages``."""
        vectors = np.empty((len(texts), self.spec.dim), dtype=np.float32)
        ids = self._tokens.ids(self.spec.passage_prompt, texts)
        unpooled = self._unpooled(self.spec.passage_prompt)
        with self._lock:
            graph = self._graph(GRAPH)
            for batch in bulk_batches([len(row) for row in ids]):
                rows = [ids[n] for n in batch]
                lengths = [len(row) for row in rows]
                layout = one_a_row(lengths, width=max(1, *lengths))
                vectors[batch] = graph.infer(rows, layout, unpooled=unpooled)
        return self.without_direction(vectors)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``Encoder.count_tokens``."""
        return self._tokens.count(texts)

    @cached_property
    def passage_tokens(self) -> int:
        """See ``Encoder.passage_tokens``.

        Raises:
            EncoderInvalid: The model reads so little that there is no room for a passage.
        """
        room = self._tokens.room(self.spec.passage_prompt)
        if room < LEAST_PASSAGE_TOKENS:
            raise EncoderInvalid(
                f"{self.spec.model} reads {self.spec.max_tokens} tokens, which leaves no room for "
                "passages beside its prompt"
            )
        return min(self.spec.passage_tokens, room)

    def without_direction(self, vectors: Vectors) -> Vectors:
        """Remove the artefact's common direction from unit vectors, if it has one."""
        if self._direction is None:
            return vectors
        return remove_direction(vectors, self._direction)

    def _graph(self, name: str) -> Graph:
        if name not in self._graphs:
            # The other operations of the int8 graph stay in f32: bf16 would gain nothing there, and
            # would keep a copy of the word embeddings.
            precision = "f32" if name == QUERY_GRAPH else self.passage_precision
            self._graphs[name] = Graph(
                self._core, self._folder / name, precision=precision, threads=self._threads
            )
        return self._graphs[name]

    def _unpooled(self, prompt: str) -> int:
        return 0 if self.spec.pools_prompts else self._tokens.prompt_length(prompt)

    def _query_batches(self, graph: Graph, ids: Sequence[Sequence[int]]) -> Sequence[list[int]]:
        if not graph.packs:
            widths = [self._query_width(len(row)) for row in ids]
            return cheapest_batches(widths, inference_tokens=INFERENCE_TOKENS)
        every = range(len(ids))
        return [list(every[n : n + TEXTS_PACKED]) for n in every[::TEXTS_PACKED]]

    def _query_layout(self, graph: Graph, rows: Sequence[Sequence[int]]) -> Layout:
        lengths = [len(row) for row in rows]
        if graph.packs:
            return packed(lengths)
        return one_a_row(lengths, width=self._query_width(max(lengths)))

    def _query_width(self, length: int) -> int:
        stepped = -(-length // WIDTH_STEP) * WIDTH_STEP
        return max(length, min(stepped, self.spec.max_tokens))


def remove_direction(vectors: Vectors, direction: Vectors) -> Vectors:
    """Remove a common direction from unit vectors and normalise them again.

    Args:
        vectors: Unit vectors, float32, shape ``(n, dim)``.
        direction: The mean, and a unit component of the centred vectors, float32, shape
            ``(2, dim)``.
    """
    mean, component = direction
    centred = vectors - mean
    centred -= np.outer(centred @ component, component)
    unit: Vectors = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit
