"""What a snapshot holds: the manifest, its last-written file, and the ``CURRENT`` pointer.

Pure models; ``shared.snapshot.storage.store`` has the protocol by which they reach the disk.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MANIFEST = "manifest.json"
CURRENT = "CURRENT"

VECTORS = "vectors.faiss"
PASSAGES = "passages.npy"
PASSAGE_SCALES = "passage_scales.npy"
CATALOGUE = "catalogue.sqlite"
LEXICAL = "lexical"
FILES = (VECTORS, PASSAGES, PASSAGE_SCALES, CATALOGUE, f"{LEXICAL}/meta.json")
"""What every snapshot holds; the lexical index has more files, whose names differ, and there may be
a map (``shared.snapshot.files.atlas``)."""

_FILE_NAME = r"^[a-z_]+\.[a-z]+$|^lexical/[A-Za-z0-9._-]+$"

SNAPSHOT_ID_PATTERN = r"^[0-9]{8}-[0-9a-f]{8}$"
SnapshotId = Annotated[str, Field(pattern=SNAPSHOT_ID_PATTERN)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Frozen):
    """One file: its exact size and hash."""

    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Counts(_Frozen):
    """How much a snapshot holds."""

    movies: Annotated[int, Field(ge=0)]
    reviews: Annotated[int, Field(ge=0)]
    passages: Annotated[int, Field(ge=0)]


class EncoderName(_Frozen):
    """The encoder of a snapshot's vectors; its artefact lies in the same store."""

    encoder_id: str
    model: str
    dim: Annotated[int, Field(ge=1)]
    passage_precision: str


class Manifest(_Frozen):
    """A whole snapshot. ``sequence`` comes from the database, so clocks do not matter.

    In format 3 the movies' passages lie in the order of their rows, without gaps; in format 4
    anywhere, and apart.
    """

    format_version: Literal[3, 4] = 4
    snapshot_id: SnapshotId
    sequence: Annotated[int, Field(ge=1)]
    created_at: datetime
    encoder: EncoderName
    pooling: Literal["mean"] = "mean"
    counts: Counts
    files: dict[Annotated[str, Field(pattern=_FILE_NAME)], FileEntry]

    def to_bytes(self) -> bytes:
        """The manifest as it is written."""
        return self.model_dump_json(indent=1).encode()


class Current(_Frozen):
    """``CURRENT``: the snapshot to serve, and its manifest's hash."""

    snapshot_id: SnapshotId
    manifest_sha256: Sha256
