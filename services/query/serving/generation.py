"""A loaded snapshot with its encoder, from which a request is answered.

A generation is opened, verified and warmed in a loader thread before requests can see it, and never
changes afterwards. A request takes one reference to it; when the last reference is gone, garbage
collection closes its files.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from services.query.serving.map_answer import zipped_map
from shared.encoder import Encoder, GraphEncoder, artefact_folder
from shared.retrieval.searcher import Mode, Searcher, SearchQuery
from shared.settings import Precision
from shared.snapshot.reader import Snapshot, check_unit_vectors, open_snapshot
from shared.snapshot.storage.manifest import VECTORS_FILE, Manifest
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache

WARM_UP_QUERY = "a quiet movie about people, funny and sad"
WARM_UP_TYPED = "a funny 90s movie, not too sad"
UNIT_TOLERANCE = 1e-3

EncoderFactory = Callable[[Manifest], Encoder]
"""Opens the encoder that a snapshot's manifest names."""


class EncoderMismatch(RuntimeError):
    """The encoder is not the one that made the snapshot's vectors, or gives wrong vectors."""


@dataclass(frozen=True, eq=False)
class Generation:
    """A snapshot being served.

    Attributes:
        searcher: Searches the snapshot.
        encoder: Encodes queries as the snapshot's passages were encoded.
        zipped_map: The response of ``GET /map``, gzipped; None when the snapshot has no map.

    Example:
        >>> generation = load_generation(
        ...     store,
        ...     store.current().snapshot_id,
        ...     manifest_sha256=None,
        ...     encoder_factory=graph_encoders(store, "auto"),
        ...     previous=None,
        ... )
        >>> [vector] = generation.encoder.encode_queries(["a quiet comedy"])
        >>> page = generation.searcher.search(SearchQuery(text="a quiet comedy", vector=vector))
    """

    searcher: Searcher
    encoder: Encoder
    zipped_map: bytes | None

    @property
    def snapshot(self) -> Snapshot:
        """The open snapshot."""
        return self.searcher.snapshot

    @property
    def snapshot_id(self) -> str:
        """The id of the snapshot."""
        return self.snapshot.snapshot_id


def graph_encoders(
    store: SnapshotStore, precision: Precision, verified: VerificationCache | None = None
) -> EncoderFactory:
    """Return a factory that opens encoders from the artefacts in the store, one thread each."""

    def open_encoder(manifest: Manifest) -> Encoder:
        encoder_id = manifest.encoder.encoder_id
        return GraphEncoder(
            artefact_folder(store.root, encoder_id),
            encoder_id=encoder_id,
            threads=1,
            precision=precision,
            verified=verified,
        )

    return open_encoder


def load_generation(
    store: SnapshotStore,
    snapshot_id: str,
    *,
    manifest_sha256: str | None,
    encoder_factory: EncoderFactory,
    previous: Generation | None,
    verified: VerificationCache | None = None,
) -> Generation:
    """Verify, open and warm a snapshot; slow, so call it in a thread.

    Args:
        store: The store of the snapshot.
        snapshot_id: Id of the snapshot.
        manifest_sha256: Expected SHA-256 of the manifest, hexadecimal; None when unknown.
        encoder_factory: Opens the snapshot's encoder.
        previous: The generation being served; its encoder is reused if it is the same.
        verified: Cache of verified files, which need no second verification.

    Raises:
        SnapshotCorrupt: a file differs from the manifest, or a vector is unusable.
        EncoderInvalid: the encoder's artefact is missing or damaged.
        EncoderMismatch: the encoder is not the snapshot's encoder.
    """
    snapshot = open_snapshot(store, snapshot_id, manifest_sha256=manifest_sha256, verified=verified)
    try:
        _check_vectors(store, snapshot, verified)
        encoder = _encoder(snapshot.manifest, encoder_factory, previous)
        generation = Generation(Searcher(snapshot), encoder, zipped_map(snapshot))
        _warm_up(generation)
    except BaseException:
        snapshot.catalogue.close()
        raise
    weakref.finalize(generation, snapshot.catalogue.close)
    return generation


def _check_vectors(
    store: SnapshotStore, snapshot: Snapshot, verified: VerificationCache | None
) -> None:
    if verified is None:
        check_unit_vectors(snapshot)
        return
    path = store.folder(snapshot.snapshot_id) / VECTORS_FILE
    digest = snapshot.manifest.files[VECTORS_FILE].sha256
    verified.verify_once("unit", path, digest, lambda: check_unit_vectors(snapshot))


def _encoder(
    manifest: Manifest, encoder_factory: EncoderFactory, previous: Generation | None
) -> Encoder:
    named = manifest.encoder
    if previous is not None and previous.encoder.spec.encoder_id == named.encoder_id:
        return previous.encoder
    encoder = encoder_factory(manifest)
    if encoder.spec.encoder_id != named.encoder_id or encoder.spec.dim != named.dim:
        raise EncoderMismatch(
            f"the vectors are from encoder {named.encoder_id}, dim {named.dim}; the available one "
            f"is {encoder.spec.encoder_id}, dim {encoder.spec.dim}"
        )
    return encoder


def _warm_up(generation: Generation) -> None:
    """Answer queries as requests do, so that pages are read, kernels compiled, and errors found."""
    vectors = generation.encoder.encode_queries([WARM_UP_QUERY])
    if vectors.shape != (1, generation.snapshot.index.dim):
        raise EncoderMismatch(f"the encoder returned vectors of shape {vectors.shape}")
    if not abs(float(np.linalg.norm(vectors[0])) - 1) < UNIT_TOLERANCE:
        raise EncoderMismatch("the encoder's vectors are not unit vectors")
    queries = [
        SearchQuery(mode=mode, text=WARM_UP_QUERY, vector=vectors[0]) for mode in get_args(Mode)
    ]
    understood = generation.searcher.interpreted(SearchQuery(text=WARM_UP_TYPED))
    texts = understood.texts()
    queries.append(understood.with_vectors(generation.encoder.encode_queries(texts)))
    for query in queries:
        page = generation.searcher.search(query)
        if any(not np.isfinite(hit.score) for hit in page.hits):
            raise SnapshotCorrupt("a score is not finite")
