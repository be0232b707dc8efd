"""One loaded snapshot with its encoder: what a request answers from, from beginning to end.

A generation is opened, verified and warmed in a loader thread before anybody can see it, and never
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
from shared.snapshot.storage.manifest import VECTORS, Manifest
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache

WARM_UP_QUERY = "a quiet film about people, funny and sad"
UNIT_TOLERANCE = 1e-3

EncoderFactory = Callable[[Manifest], Encoder]
"""Opens the encoder that a snapshot names."""


class EncoderMismatch(RuntimeError):
    """The encoder is not the one that made the snapshot's vectors, or does not work."""


@dataclass(frozen=True, eq=False)
class Generation:
    """A snapshot being served."""

    searcher: Searcher
    encoder: Encoder
    zipped_map: bytes | None

    @property
    def snapshot(self) -> Snapshot:
        """The opened snapshot."""
        return self.searcher.snapshot

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id."""
        return self.snapshot.snapshot_id


def graph_encoders(
    store: SnapshotStore, precision: Precision, proofs: VerificationCache | None = None
) -> EncoderFactory:
    """Encoders from the artefacts that lie beside the snapshots, one thread each."""

    def open_encoder(manifest: Manifest) -> Encoder:
        encoder_id = manifest.encoder.encoder_id
        return GraphEncoder(
            artefact_folder(store.root, encoder_id),
            encoder_id=encoder_id,
            threads=1,
            precision=precision,
            proofs=proofs,
        )

    return open_encoder


def load_generation(
    store: SnapshotStore,
    snapshot_id: str,
    *,
    manifest_sha256: str | None,
    encoder_factory: EncoderFactory,
    previous: Generation | None,
    proofs: VerificationCache | None = None,
) -> Generation:
    """Verify, open and warm a snapshot; slow, so call it in a thread.

    Args:
        store: Where it lies.
        snapshot_id: Which.
        manifest_sha256: What its manifest hashes to; None when unknown.
        encoder_factory: Opens its encoder.
        previous: What is served now; its encoder is kept if it is the same.
        proofs: What need not be proven again.

    Raises:
        SnapshotCorrupt: a file is not as the manifest says, or a vector cannot be used.
        EncoderInvalid: the encoder's artefact is missing or damaged.
        EncoderMismatch: the encoder is not the snapshot's.
    """
    snapshot = open_snapshot(store, snapshot_id, manifest_sha256=manifest_sha256, proofs=proofs)
    try:
        _check_vectors(store, snapshot, proofs)
        encoder = _encoder(snapshot.manifest, encoder_factory, previous)
        generation = Generation(Searcher(snapshot), encoder, zipped_map(snapshot))
        _warm_up(generation)
    except BaseException:
        snapshot.catalogue.close()
        raise
    weakref.finalize(generation, snapshot.catalogue.close)
    return generation


def _check_vectors(
    store: SnapshotStore, snapshot: Snapshot, proofs: VerificationCache | None
) -> None:
    if proofs is None:
        check_unit_vectors(snapshot)
        return
    path = store.folder(snapshot.snapshot_id) / VECTORS
    digest = snapshot.manifest.files[VECTORS].sha256
    proofs.once("unit", path, digest, lambda: check_unit_vectors(snapshot))


def _encoder(
    manifest: Manifest, encoder_factory: EncoderFactory, previous: Generation | None
) -> Encoder:
    wanted = manifest.encoder
    if previous is not None and previous.encoder.spec.encoder_id == wanted.encoder_id:
        return previous.encoder
    encoder = encoder_factory(manifest)
    if encoder.spec.encoder_id != wanted.encoder_id or encoder.spec.dim != wanted.dim:
        raise EncoderMismatch(
            f"the vectors are of encoder {wanted.encoder_id}, dim {wanted.dim}; this one is "
            f"{encoder.spec.encoder_id}, dim {encoder.spec.dim}"
        )
    return encoder


def _warm_up(generation: Generation) -> None:
    """Answer queries as requests would: pages are read, kernels compiled, and it works."""
    vectors = generation.encoder.encode_queries([WARM_UP_QUERY])
    if vectors.shape != (1, generation.snapshot.index.dim):
        raise EncoderMismatch(f"the encoder gave vectors of shape {vectors.shape}")
    if not abs(float(np.linalg.norm(vectors[0])) - 1) < UNIT_TOLERANCE:
        raise EncoderMismatch("the encoder's vectors are not of unit length")
    for mode in get_args(Mode):
        wanted = SearchQuery(mode=mode, text=WARM_UP_QUERY, vector=vectors[0])
        answer = generation.searcher.search(wanted)
        if any(not np.isfinite(hit.score) for hit in answer.hits):
            raise SnapshotCorrupt("a score is not a number")
