"""An encoder artefact: the files of a converted model, and the spec that names and proves them.

``graph.xml`` with ``graph.bin`` is the model as it was defined; it encodes passages.
``query.xml`` with ``query.bin``, where the model bears it, is the same in int8; it encodes queries.
``int8_cosine`` in ``spec.json`` says how far the two were apart when it was made.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.snapshot.storage.manifest import FileEntry
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file

GRAPH = "graph.xml"
GRAPH_WEIGHTS = "graph.bin"
QUERY_GRAPH = "query.xml"
QUERY_GRAPH_WEIGHTS = "query.bin"
TOKENIZER = "tokenizer.json"
DIRECTION = "direction.npy"
SPEC = "spec.json"


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
    int8_cosine: Annotated[
        float | None,
        Field(
            description="Least cosine between the int8 graph's vectors and the model's, over the "
            "texts it was tried on; the graph is kept only if that is near enough. None: not tried."
        ),
    ] = None

    @property
    def has_int8(self) -> bool:
        """Whether queries can be encoded in int8."""
        return QUERY_GRAPH in self.files


class EncoderInvalid(RuntimeError):
    """An artefact is missing, damaged, or not of the encoder that was asked for."""


def artefact_folder(store: Path, encoder_id: str) -> Path:
    """Where the artefact of an encoder lies in a snapshot store."""
    return store / "encoders" / encoder_id


def read_artefact(
    folder: Path, *, encoder_id: str | None = None, proofs: VerificationCache | None = None
) -> ArtefactSpec:
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
    return artefact


def read_spec(
    folder: Path, *, encoder_id: str | None = None, proofs: VerificationCache | None = None
) -> EncoderSpec:
    """The encoder of an artefact, whose files are verified. Raises as ``read_artefact`` does."""
    return read_artefact(folder, encoder_id=encoder_id, proofs=proofs).encoder
