"""Reads the folder of a sentence-transformers model without loading the model.

The folder says which modules the model has; the vectors' width, the longest text and the prompts
follow from their configurations. What cannot be converted faithfully is refused here, with the
reason: code of the model's own, modules that are not known, and weights in another format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from shared.encoder.artefact import TOKENIZER
from shared.snapshot.storage.verify import describe_file

STATIC: Final = "StaticEmbedding"
STATIC_TOKENS: Final = 8192
"""The longest text of a model without a transformer, which has no limit of its own."""
_FIRST: Final = ("Transformer", STATIC)
_FURTHER: Final = ("Pooling", "Dense", "LayerNorm", "Dropout", "Normalize")
_TRANSFORMER_CONFIGS: Final = (
    "sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
    "sentence_camembert_config.json", "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json",
)  # fmt: skip
_WIDTHS: Final = ("hidden_size", "dim", "d_model", "n_embd")
_LEGACY_MODES: Final = "pooling_mode_"
_TOKENIZER_FILES: Final = (
    "vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip


_AFTER_PADDING: Final = ("camembert", "mpnet", "roberta", "xlm-roberta")
"""Model types whose first position is the padding token's id plus one."""
PACKING_TYPES: Final = ("bert", *_AFTER_PADDING)
"""Model types of which a row may hold several texts."""


class ModelInvalid(RuntimeError):
    """Raised when the configured model cannot be found or used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of the model: its class, and its folder."""

    name: str
    folder: Path


@dataclass(frozen=True)
class ModelFiles:
    """What the files of a model say about it.

    Example:
        The files of the default model::

            files = ModelFiles.read(find_model("all-MiniLM-L6-v2"))
            assert (files.dim, files.max_tokens) == (384, 256)

    Attributes:
        folder: The folder of the model.
        modules: Its modules in their order.
    """

    folder: Path
    modules: Sequence[_Module]

    @classmethod
    def read(cls, folder: Path) -> ModelFiles:
        """Read which modules a model has.

        Args:
            folder: The folder of the model.

        Raises:
            ModelInvalid: It is no model, or one that cannot be converted.
        """
        # A folder without modules.json is a bare transformer, whose token vectors are averaged.
        listed = read_json(folder / "modules.json") or [
            {"type": "sentence_transformers.models.Transformer", "path": ""}
        ]
        modules = []
        for place, entry in enumerate(listed):
            package, _, name = str(entry["type"]).rpartition(".")
            known = _FURTHER if place else _FIRST
            if not package.startswith("sentence_transformers."):
                raise ModelInvalid(
                    f"{folder} needs code of its own ({entry['type']}), which is not run"
                )
            if name not in known:
                raise ModelInvalid(
                    f"{folder} has the module {name} as number {place + 1}, where these can be "
                    f"used: {', '.join(known)}"
                )
            modules.append(_Module(name, folder / entry["path"]))
        files = cls(folder, modules)
        files._check_weights()
        return files

    @property
    def is_static(self) -> bool:
        """Whether its vectors are means of fixed vectors of the tokens."""
        return self.modules[0].name == STATIC

    @cached_property
    def weights_sha256(self) -> str:
        """The hash of all weights; of a single file, its own."""
        files = [file for module in self.modules for file in _weights(module.folder)]
        return self._hash_of(sorted(set(files)))

    @cached_property
    def tokenizer_sha256(self) -> str:
        """The hash of the tokenizer's files.

        Raises:
            ModelInvalid: There are none.
        """
        tokenizer = self._first / TOKENIZER
        if tokenizer.is_file():
            return describe_file(tokenizer).sha256
        files = [path for name in _TOKENIZER_FILES if (path := self._first / name).is_file()]
        if not any(path.name in _TOKENIZER_FILES[:5] for path in files):
            raise ModelInvalid(f"{self.folder} has no tokenizer")
        return self._hash_of(files)

    @cached_property
    def dim(self) -> int:
        """The width of its vectors.

        Raises:
            ModelInvalid: The configuration does not state it.
        """
        width = self._static_width() if self.is_static else self._transformer_width()
        for module in self.modules[1:]:
            config = read_json(module.folder / "config.json") or {}
            if module.name == "Pooling":
                width = len(_pooling_modes(config)) * int(
                    config.get("embedding_dimension")
                    or config.get("word_embedding_dimension")
                    or width
                )
            elif module.name == "Dense":
                width = int(config["out_features"])
        return min(width, int(self._settings.get("truncate_dim") or width))

    @cached_property
    def max_tokens(self) -> int:
        """The longest text in tokens that its files and its positions allow."""
        if self.is_static:
            return STATIC_TOKENS
        configured = [
            self._transformer_config.get("max_seq_length"),
            (read_json(self._first / "tokenizer_config.json") or {}).get("model_max_length"),
        ]
        lengths = [int(length) for length in configured if length]
        positions = self._config.get("max_position_embeddings")
        if positions is not None:
            model_type, padding = self._config.get("model_type"), self._config.get("pad_token_id")
            lengths.append(int(positions) - (first_position(model_type, padding) or 0))
        return min(lengths, default=512)

    @property
    def query_prompt(self) -> str:
        """What is put before each query."""
        return self._prompts.get("query") or ""

    @property
    def passage_prompt(self) -> str:
        """What is put before each passage."""
        names = ("document", "passage", "corpus")
        return next((prompt for name in names if (prompt := self._prompts.get(name))), "")

    @property
    def pools_prompts(self) -> bool:
        """Whether the tokens of a prompt count like the others when they are pooled."""
        poolings = (module.folder for module in self.modules if module.name == "Pooling")
        configs = (read_json(folder / "config.json") or {} for folder in poolings)
        return all(config.get("include_prompt", True) for config in configs)

    @property
    def _first(self) -> Path:
        return self.modules[0].folder

    @cached_property
    def _config(self) -> Mapping[str, Any]:
        config = read_json(self._first / "config.json")
        if config is None:
            raise ModelInvalid(f"{self._first} has no config.json: it is not a model")
        text: Mapping[str, Any] = config.get("text_config") or config
        return text

    @property
    def _transformer_config(self) -> Mapping[str, Any]:
        configs = (read_json(self._first / name) for name in _TRANSFORMER_CONFIGS)
        return next((config for config in configs if config), {})

    @property
    def _settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = (
            read_json(self.folder / "config_sentence_transformers.json") or {}
        )
        return settings

    @property
    def _prompts(self) -> Mapping[str, str | None]:
        prompts: Mapping[str, str | None] = self._settings.get("prompts") or {}
        return prompts

    def _transformer_width(self) -> int:
        for name in _WIDTHS:
            if name in self._config:
                return int(self._config[name])
        raise ModelInvalid(
            f"{self._first}/config.json does not state the width of the model (hidden_size)"
        )

    def _static_width(self) -> int:
        for path in _weights(self._first):
            with path.open("rb") as stream:
                header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
            for name in ("embedding.weight", "embeddings"):
                if name in header:
                    return int(header[name]["shape"][1])
        raise ModelInvalid(f"{self._first} has no table of vectors")

    def _check_weights(self) -> None:
        if (self._first / "adapter_config.json").is_file():
            raise ModelInvalid(
                f"{self.folder} is an adapter to another model: merge it (`merge_and_unload`) and "
                "save the whole model"
            )
        for module in self.modules:
            has_others = any(module.folder.glob("pytorch_model*.bin"))
            needs_some = module.name in (*_FIRST, "Dense")
            if (needs_some or has_others) and not _weights(module.folder):
                raise ModelInvalid(
                    f"{module.folder} has no model.safetensors: only safetensors weights are read, "
                    "which sentence-transformers writes with `save_pretrained`"
                )

    def _hash_of(self, files: Sequence[Path]) -> str:
        if len(files) == 1:
            return describe_file(files[0]).sha256
        lines = [f"{file.relative_to(self.folder)} {describe_file(file).sha256}" for file in files]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def first_position(model_type: str | None, pad_token_id: int | None) -> int | None:
    """Return the position id of a text's first token; None for a model type that cannot pack.

    Args:
        model_type: The ``model_type`` in the model's configuration.
        pad_token_id: Id of its padding token.
    """
    if model_type == "bert":
        return 0
    if model_type in _AFTER_PADDING and pad_token_id is not None:
        return pad_token_id + 1
    return None


def read_json(path: Path) -> Any:
    """The content of a JSON file; None when there is no such file.

    Raises:
        ModelInvalid: It is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except ValueError as error:
        raise ModelInvalid(f"{path} is not JSON: copy the model again ({error})") from error


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors"))


def _pooling_modes(config: Mapping[str, Any]) -> Sequence[str]:
    mode = config.get("pooling_mode")
    if mode is None:  # as before version 6
        names = [name for name in config if name.startswith(_LEGACY_MODES)]
        return [name for name in names if config[name]] or ["mean"]
    return [mode] if isinstance(mode, str) else list(mode)
