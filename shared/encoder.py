"""The encoder: text to unit vectors. The only home of the model at run time.

A sentence-transformers model is converted once, by the embedder, into an artefact: a graph with
pooling and normalisation inside, its tokenizer, and a spec. The artefact lives in the snapshot
store, ``encoders/<encoder id>/``; a snapshot names the encoder of its vectors, and the query
service encodes with that artefact. So it needs neither torch nor transformers, and can never
encode with another model than the snapshot's.

The encoder id is a hash of what decides a vector: weights, tokenizer, configuration, lengths,
prompts. Not of the graph's bytes, which differ between versions of the converter.

An artefact may hold a *common direction*: the mean of many passages' vectors and the first
principal component about it, which in reviews is the axis from plot to opinion. Both are taken
out of every vector, passages' and queries', before the last normalisation ("all-but-the-top" with
one component: Mu and Viswanath, ICLR 2018). It is frozen with the encoder, so that vectors made at
different times stay comparable.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
import numpy.typing as npt
import openvino as ov
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from shared.cpu import available_threads
from shared.memory import forget_pages
from shared.settings import Precision
from shared.snapshot.manifest import FileEntry
from shared.snapshot.verify import Proofs, SnapshotCorrupt, verify_file

__all__ = [
    "ArtefactSpec", "Encoder", "EncoderInvalid", "EncoderSpec", "GraphEncoder", "Vectors",
    "artefact_folder", "available_threads", "has_bf16", "read_spec", "remove_direction",
]  # fmt: skip

Vectors = npt.NDArray[np.float32]

GRAPH = "graph.xml"
GRAPH_WEIGHTS = "graph.bin"
TOKENIZER = "tokenizer.json"
DIRECTION = "direction.npy"
SPEC = "spec.json"
INPUTS = ("input_ids", "attention_mask")
BATCH_TOKENS = 8192
MAX_BATCH = 64
QUERY_WIDTH_STEP = 8
QUERIES_WIDTH_STEP = 16


class EncoderSpec(BaseModel):
    """What an encoder is: enough to tell whether two vectors may be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    model: Annotated[str, Field(description="Name for people.")]
    weights_sha256: str
    tokenizer_sha256: str
    config_sha256: Annotated[str, Field(description="Of the model's own configuration files.")]
    dim: Annotated[int, Field(ge=1)]
    max_tokens: Annotated[int, Field(ge=8, description="Longer texts are cut.")]
    passage_tokens: Annotated[int, Field(ge=8, description="Longest passage in word pieces.")]
    query_prompt: str = ""
    passage_prompt: str = ""
    direction_sha256: Annotated[
        str | None, Field(description="Of the common direction that is removed, if one is.")
    ] = None

    @property
    def encoder_id(self) -> str:
        """Hash of everything but the name."""
        identity = self.model_dump_json(exclude={"model"})
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


class ArtefactSpec(BaseModel):
    """``spec.json`` of an artefact: the encoder, and its files with size and hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: EncoderSpec
    files: dict[str, FileEntry]


class Encoder(Protocol):
    """Text to unit vectors."""

    spec: EncoderSpec

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, float32, shape ``(len(texts), spec.dim)``."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, float32, shape ``(len(texts), spec.dim)``."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens left out."""
        ...


class EncoderInvalid(RuntimeError):
    """An artefact is missing, damaged, or not of the encoder that was asked for."""


def artefact_folder(store: Path, encoder_id: str) -> Path:
    """Where the artefact of an encoder lies in a snapshot store."""
    return store / "encoders" / encoder_id


class GraphEncoder:
    """An encoder that runs an artefact's graph on the CPU, with OpenVINO.

    Safe to call from several threads: calls take turns.
    """

    def __init__(
        self, folder: Path, *, encoder_id: str | None = None, threads: int = 1,
        precision: Precision = "auto", keep_direction: bool = False, proofs: Proofs | None = None,
    ) -> None:  # fmt: skip
        """Open and verify an artefact.

        Args:
            folder: The artefact.
            encoder_id: The encoder that it must be, or None for whatever it is.
            threads: Threads of one inference; 1 for single queries.
            precision: Arithmetic; ``auto`` is bf16 where the CPU has it, else f32.
            keep_direction: Leave the common direction in, as the bare model does. Such vectors
                must not be compared with a snapshot's.
            proofs: What need not be proven again.

        Raises:
            EncoderInvalid: the artefact is missing, damaged, or of another encoder.
        """
        self.spec = read_spec(folder, encoder_id=encoder_id, proofs=proofs)
        core = ov.Core()
        core.set_property({"ENABLE_MMAP": True})
        if precision == "auto":
            precision = "bf16" if has_bf16(core) else "f32"
        self.precision: Literal["f32", "bf16"] = "bf16" if precision == "bf16" else "f32"
        compiled = core.compile_model(
            core.read_model(folder / GRAPH),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": self.precision,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._request = compiled.create_infer_request()
        self._direction = (
            np.load(folder / DIRECTION, allow_pickle=False)
            if self.spec.direction_sha256 is not None and not keep_direction
            else None
        )
        self._lock = threading.Lock()
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.enable_truncation(self.spec.max_tokens)
        self._tokenizer.no_padding()
        self._tokenizer_file = str(folder / TOKENIZER)
        self._counter: Tokenizer | None = None
        # The first inference brings the weights into the CPU's precision and order, in memory of
        # the graph's own; what was read of the file is not needed any more.
        self._encode([""])
        forget_pages(folder / GRAPH_WEIGHTS)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_queries``."""
        # The runtime prepares for every shape it meets, and keeps about 1 MB of each. Queries come
        # alone and in every length, so they are padded to a few widths; bulk is not, by 7 %.
        texts = [self.spec.query_prompt + text for text in texts]
        step = QUERY_WIDTH_STEP if len(texts) == 1 else QUERIES_WIDTH_STEP
        return self._encode(texts, width_step=step)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder.encode_passages``."""
        return self._encode([self.spec.passage_prompt + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``Encoder.count_tokens``."""
        with self._lock:
            if self._counter is None:
                # A second one, because cutting is state of a tokenizer; queries never need it.
                self._counter = Tokenizer.from_file(self._tokenizer_file)
                self._counter.no_truncation()
                self._counter.no_padding()
            encodings = self._counter.encode_batch_fast(list(texts), add_special_tokens=False)
            return [len(encoding) for encoding in encodings]

    def _encode(self, texts: list[str], *, width_step: int = 1) -> Vectors:
        vectors = np.empty((len(texts), self.spec.dim), dtype=np.float32)
        with self._lock:
            ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]
            for batch in _batches([len(row) for row in ids]):
                vectors[batch] = self._infer([ids[n] for n in batch], width_step)
        return vectors

    def _infer(self, ids: list[list[int]], width_step: int) -> Vectors:
        longest = max(len(row) for row in ids)
        stepped = -(-longest // width_step) * width_step
        width = max(longest, min(stepped, self.spec.max_tokens))
        tokens = np.zeros((len(ids), width), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for n, row in enumerate(ids):
            tokens[n, : len(row)] = row
            mask[n, : len(row)] = 1
        self._request.infer({INPUTS[0]: tokens, INPUTS[1]: mask})
        output = np.asarray(self._request.get_output_tensor().data, dtype=np.float32)
        # The graph normalises in its own precision; bf16 leaves norms off by up to 1e-3.
        vectors: Vectors = output / np.linalg.norm(output, axis=1, keepdims=True)
        return self.without_direction(vectors)

    def without_direction(self, vectors: Vectors) -> Vectors:
        """Unit rows without the artefact's common direction, if it has one."""
        if self._direction is None:
            return vectors
        return remove_direction(vectors, self._direction)


def remove_direction(vectors: Vectors, direction: Vectors) -> Vectors:
    """Take a common direction out of unit rows and normalise again.

    Args:
        vectors: float32, shape ``(n, dim)``.
        direction: float32, shape ``(2, dim)``: the mean, and a unit component about it.
    """
    mean, component = direction
    centred = vectors - mean
    centred -= np.outer(centred @ component, component)
    unit: Vectors = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit


def read_spec(
    folder: Path, *, encoder_id: str | None = None, proofs: Proofs | None = None
) -> EncoderSpec:
    """Read an artefact's spec and verify its files.

    Raises:
        EncoderInvalid: missing, damaged, or not the encoder that was asked for.
    """
    try:
        artefact = ArtefactSpec.model_validate_json((folder / SPEC).read_bytes())
        for name, entry in artefact.files.items():
            verify_file(folder / name, entry, proofs=proofs)
    except (OSError, ValidationError, SnapshotCorrupt) as error:
        raise EncoderInvalid(f"encoder artefact {folder.name}: {error}") from error
    spec = artefact.encoder
    if spec.encoder_id != folder.name or (encoder_id is not None and encoder_id != folder.name):
        raise EncoderInvalid(f"{folder.name} holds encoder {spec.encoder_id}, not {encoder_id}")
    return spec


def has_bf16(core: ov.Core) -> bool:
    """Whether the CPU computes in bf16 natively."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in batches of like length, ``BATCH_TOKENS`` padded tokens at the most each."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    batches: list[list[int]] = []
    for n in order:
        if batches:
            batch = batches[-1]
            width = max(1, lengths[batch[0]])
            if len(batch) < MAX_BATCH and (len(batch) + 1) * width <= BATCH_TOKENS:
                batch.append(n)
                continue
        batches.append([n])
    return batches
