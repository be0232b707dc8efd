"""The manifest of a snapshot, which is written last, and the pointer ``CURRENT``.

Pure models; ``shared.snapshot.commit`` has the protocol by which they reach the disk.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.text.languages import ENGLISH, known_language

MANIFEST = "manifest.json"
CURRENT = "CURRENT"

VECTORS_FILE = "vectors.faiss"
PASSAGES_FILE = "passages.npy"
PASSAGE_SCALES_FILE = "passage_scales.npy"
CATALOGUE_FILE = "catalogue.sqlite"
LEXICAL_FOLDER = "lexical"
FILES = (
    VECTORS_FILE,
    PASSAGES_FILE,
    PASSAGE_SCALES_FILE,
    CATALOGUE_FILE,
    f"{LEXICAL_FOLDER}/meta.json",
)
"""Files that every snapshot has. The lexical index has more files, whose names differ, and there
may be a map (``shared.snapshot.files.atlas``)."""

_FILE_NAME = r"^[a-z_]+\.[a-z]+$|^lexical/[A-Za-z0-9._-]+$"

SNAPSHOT_ID_PATTERN = r"^[0-9]{8}-[0-9a-f]{8}$"
SnapshotId = Annotated[str, Field(pattern=SNAPSHOT_ID_PATTERN)]
LanguageCode = Annotated[str, AfterValidator(known_language)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Frozen):
    """The exact size and hash of a file."""

    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Counts(_Frozen):
    """The number of items in a snapshot."""

    movies: Annotated[int, Field(ge=0)]
    reviews: Annotated[int, Field(ge=0)]
    passages: Annotated[int, Field(ge=0)]


class EncoderName(_Frozen):
    """The encoder of a snapshot's vectors; its artefact is in the same store."""

    encoder_id: str
    model: str
    dim: Annotated[int, Field(ge=1)]
    passage_precision: str


class Manifest(_Frozen):
    """The manifest of a snapshot.

    ``sequence`` comes from the database, so clocks do not matter. In format 3 the movies' passages
    are stored in the order of the movies' rows, without gaps; in format 4 in any order, without
    overlaps. ``terms`` is the version of the terms of the lexical index; before it was recorded, it
    was 1. ``language`` is the catalogue's, by which its terms were made; before it was recorded, it
    was English.
    """

    format_version: Literal[3, 4] = 4
    snapshot_id: SnapshotId
    sequence: Annotated[int, Field(ge=1)]
    created_at: datetime
    encoder: EncoderName
    pooling: Literal["mean"] = "mean"
    terms: Literal[1, 2] = 1
    language: LanguageCode = ENGLISH
    counts: Counts
    files: dict[Annotated[str, Field(pattern=_FILE_NAME)], FileEntry]

    def to_bytes(self) -> bytes:
        """The manifest as its file holds it."""
        return self.model_dump_json(indent=1).encode()


class Current(_Frozen):
    """``CURRENT``: the snapshot to serve, and the hash of its manifest."""

    snapshot_id: SnapshotId
    manifest_sha256: Sha256
