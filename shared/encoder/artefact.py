"""An encoder artefact: the files of a converted model, and the spec with their sizes and hashes.

``graph.xml`` with ``graph.bin`` is the model as it was defined; it encodes passages.
``query.xml`` with ``query.bin``, where the model allows it, is the same graph in int8; it encodes
queries. ``int8_cosine`` in ``spec.json`` is the similarity of the two, measured at the conversion.
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
    """The identity of an encoder: vectors of equal specs may be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    model: Annotated[str, Field(description="Name of the model, for display only.")]
    weights_sha256: str
    tokenizer_sha256: str
    config_sha256: Annotated[str, Field(description="Hash of the model's configuration files.")]
    dim: Annotated[int, Field(ge=1)]
    max_tokens: Annotated[int, Field(ge=8, description="Number of tokens to which texts are cut.")]
    passage_tokens: Annotated[int, Field(ge=8, description="Longest passage in word pieces.")]
    query_prompt: str = ""
    passage_prompt: str = ""
    direction_sha256: Annotated[
        str | None, Field(description="Hash of the common direction that is removed, if any.")
    ] = None
    pools_prompts: Annotated[
        bool, Field(description="Whether the tokens of a prompt are pooled like the others.")
    ] = True

    @property
    def encoder_id(self) -> str:
        """Hash of all fields except the name; what most models do is left out, too."""
        left_out = {"model", "pools_prompts"} if self.pools_prompts else {"model"}
        identity = self.model_dump_json(exclude=left_out)
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


class ArtefactSpec(BaseModel):
    """``spec.json`` of an artefact: the encoder, and its files with sizes and hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: EncoderSpec
    files: dict[str, FileEntry]
    int8_cosine: Annotated[
        float | None,
        Field(
            description="Least cosine between the vectors of the int8 graph and of the model, over "
            "the test texts; the graph is kept only if it is high enough. None: not tested."
        ),
    ] = None

    @property
    def has_int8(self) -> bool:
        """Whether queries can be encoded in int8."""
        return QUERY_GRAPH in self.files


class EncoderInvalid(RuntimeError):
    """Raised when an artefact is missing, damaged, or of another encoder than the expected one."""


def artefact_folder(store: Path, encoder_id: str) -> Path:
    """Return the folder of an encoder's artefact in a snapshot store."""
    return store / "encoders" / encoder_id


def read_artefact(
    folder: Path, *, encoder_id: str | None = None, verified: VerificationCache | None = None
) -> ArtefactSpec:
    """Read an artefact's spec and verify its files.

    Args:
        folder: The artefact.
        encoder_id: The expected encoder; None for any.
        verified: Cache of the files that have been verified before.

    Raises:
        EncoderInvalid: The artefact is missing, damaged, or of another encoder.
    """
    try:
        artefact = ArtefactSpec.model_validate_json((folder / SPEC).read_bytes())
        for name, entry in artefact.files.items():
            verify_file(folder / name, entry, verified=verified)
    except (OSError, ValidationError, SnapshotCorrupt) as error:
        raise EncoderInvalid(f"encoder artefact {folder.name}: {error}") from error
    spec = artefact.encoder
    if spec.encoder_id != folder.name or (encoder_id is not None and encoder_id != folder.name):
        raise EncoderInvalid(f"{folder.name} holds encoder {spec.encoder_id}, not {encoder_id}")
    return artefact
