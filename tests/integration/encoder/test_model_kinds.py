"""Whatever sentence-transformers loads gives its vectors, or is refused with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.embedder.model.conversion import ModelChanges, ensure_artefact, load_torch_model
from services.embedder.model.model_files import ModelInvalid
from services.embedder.model.torch_encoder import TorchEncoder
from shared.encoder import GraphEncoder, artefact_folder
from shared.text.passages import split
from tests.support.embedder.tiny_models import WORDS, static_model, tiny_model

pytestmark = [
    pytest.mark.encoder,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LEAST_COSINE = 0.9999
E5 = {"query": "quiet war", "passage": "loud"}
Make = Callable[[Path], Path]


def former_layout(folder: Path) -> Path:
    """As before 2021: the transformer in a folder of its own, and only one tokenizer file."""
    model = tiny_model(folder)
    first = model / "0_Transformer"
    first.mkdir()
    modules = json.loads((model / "modules.json").read_text())
    for path in model.glob("*"):
        if path.is_file() and path.name not in {
            "modules.json",
            "config_sentence_transformers.json",
        }:
            path.rename(first / path.name)
    (first / "sentence_bert_config.json").rename(first / "sentence_roberta_config.json")
    modules[0]["path"] = first.name
    modules[0]["type"] = "sentence_transformers.models.Transformer"
    (model / "modules.json").write_text(json.dumps(modules))
    pooling = model / "1_Pooling" / "config.json"
    pooling.write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_cls_token": False,
                    "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True})
    )  # fmt: skip
    return model


def shards(folder: Path) -> Path:
    """The weights in several files, as large models have them."""
    from transformers import BertModel  # noqa: PLC0415

    model = tiny_model(folder)
    whole: Any = BertModel.from_pretrained(model)
    (model / "model.safetensors").unlink()
    whole.save_pretrained(model, max_shard_size="30KB")
    assert len(list(model.glob("model-*.safetensors"))) > 1
    return model


def truncated(folder: Path) -> Path:
    """Its own files say how much of each vector is kept."""
    model = tiny_model(folder)
    settings = model / "config_sentence_transformers.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "truncate_dim": 12}))
    return model


def made(**options: Any) -> Make:
    return lambda folder: tiny_model(folder, **options)


KINDS: dict[str, tuple[Make, ModelChanges]] = {
    "bert, mean": (made(), ModelChanges()),
    "roberta, cls": (made(kind="roberta", pooling="cls"), ModelChanges()),
    "xlm-roberta, mean": (made(kind="xlm-roberta"), ModelChanges()),
    "camembert, last token": (made(kind="camembert", pooling="lasttoken"), ModelChanges()),
    "layer norm and dropout after pooling": (
        made(between=("LayerNorm", "Dropout")), ModelChanges()
    ),
    "mpnet, max": (made(kind="mpnet", pooling="max"), ModelChanges()),
    "distilbert, which does not pack": (made(kind="distilbert"), ModelChanges()),
    "cls and mean joined": (made(pooling=("cls", "mean")), ModelChanges()),
    "cls, max and mean joined, then dense": (
        made(pooling=("cls", "max", "mean"), dense=20), ModelChanges()
    ),
    "mean by the root of the length": (made(pooling="mean_sqrt_len_tokens"), ModelChanges()),
    "mean weighted by place": (made(pooling="weightedmean"), ModelChanges()),
    "last token": (made(pooling="lasttoken"), ModelChanges()),
    "not normalised, dense": (made(normalised=False, dense=16), ModelChanges()),
    "prompts of its own": (
        made(prompts={"query": "quiet war", "document": "loud"}), ModelChanges()
    ),
    "prompts by settings": (
        made(), ModelChanges(query_prompt=E5["query"], passage_prompt=E5["passage"])
    ),
    "prompts that are not pooled": (
        made(prompts={"query": "quiet war", "document": "loud"}, include_prompt=False),
        ModelChanges(),
    ),
    "prompts that are not pooled, cls": (
        made(prompts={"query": "quiet war", "document": ""}, include_prompt=False, pooling="cls"),
        ModelChanges(),
    ),
    "part of each vector (Matryoshka)": (made(), ModelChanges(dim=12)),
    "part of each vector, as its files say": (truncated, ModelChanges()),
    "a table of vectors": (static_model, ModelChanges()),
    "the layout of former versions": (former_layout, ModelChanges()),
    "weights in several files": (shards, ModelChanges()),
}  # fmt: skip


def texts() -> list[str]:
    chance = np.random.default_rng(5)
    return [" ".join(chance.choice(WORDS, size=chance.integers(1, 60))) for _ in range(60)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_gives_the_vectors_of_the_reference(tmp_path: Path, kind: str) -> None:
    make, changes = KINDS[kind]
    model = make(tmp_path / "made")
    store = tmp_path / "store"
    spec = ensure_artefact(store, model=str(model), passage_tokens=16, changes=changes)
    encoder = GraphEncoder(artefact_folder(store, spec.encoder_id), precision="f32")
    reference = load_torch_model(str(model))
    options: dict[str, Any] = {"normalize_embeddings": True, "truncate_dim": changes.dim}
    queries = reference.encode_query(texts(), prompt=changes.query_prompt, **options)
    passages = reference.encode_document(texts(), prompt=changes.passage_prompt, **options)
    assert spec.dim == queries.shape[1]
    assert (encoder.encode_queries(texts()) * queries).sum(axis=1).min() >= LEAST_COSINE
    assert (encoder.encode_passages(texts()) * passages).sum(axis=1).min() >= LEAST_COSINE
    torch = TorchEncoder(str(model), encoder).encode_passages(texts())
    assert (torch * passages).sum(axis=1).min() >= LEAST_COSINE
    has_prompt = "prompts" in kind
    assert has_prompt == bool(spec.query_prompt)
    if has_prompt:  # or the test would pass without them, too
        without = reference.encode(texts(), prompt="", **options)
        assert (encoder.encode_queries(texts()) * without).sum(axis=1).min() < LEAST_COSINE


def code_of_its_own(folder: Path) -> Path:
    model = tiny_model(folder)
    modules = json.loads((model / "modules.json").read_text())
    modules[1]["type"] = "modeling_special.Pooling"
    (model / "modules.json").write_text(json.dumps(modules))
    return model


def unknown_module(folder: Path) -> Path:
    model = tiny_model(folder)
    modules = json.loads((model / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.WordWeights"
    (model / "modules.json").write_text(json.dumps(modules))
    return model


def adapter(folder: Path) -> Path:
    model = tiny_model(folder)
    (model / "adapter_config.json").write_text("{}")
    return model


def without_weights(folder: Path) -> Path:
    model = tiny_model(folder)
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    return model


def dense_without_weights(folder: Path) -> Path:
    model = tiny_model(folder, dense=8)
    (model / "2_Dense" / "model.safetensors").rename(model / "2_Dense" / "pytorch_model.bin")
    return model


def without_tokenizer(folder: Path) -> Path:
    model = tiny_model(folder)
    for name in ("tokenizer.json", "vocab.txt"):
        (model / name).unlink(missing_ok=True)
    return model


def damaged(name: str, content: str) -> Make:
    def make(folder: Path) -> Path:
        model = tiny_model(folder, dense=8)
        (model / name).write_text(content)
        return model

    return make


def no_model(folder: Path) -> Path:
    folder.mkdir()
    return folder


REFUSED: dict[str, tuple[Make, ModelChanges, str]] = {
    "code of its own": (code_of_its_own, ModelChanges(), "needs code of its own"),
    "a module that is not known": (unknown_module, ModelChanges(), "has the module WordWeights"),
    "an adapter": (adapter, ModelChanges(), "is an adapter to another model"),
    "other weights": (without_weights, ModelChanges(), "only safetensors weights are read"),
    "a dense layer with other weights": (
        dense_without_weights, ModelChanges(), "2_Dense has no model.safetensors"
    ),
    "no tokenizer": (without_tokenizer, ModelChanges(), "has no tokenizer"),
    "modules that are not JSON": (damaged("modules.json", "{"), ModelChanges(), "is not JSON"),
    "modules that are no list": (
        damaged("modules.json", '{"a": 1}'), ModelChanges(), "cannot be read"
    ),
    "modules without a type": (
        damaged("modules.json", '[{"path": ""}]'), ModelChanges(), "cannot be read"
    ),
    "a configuration that is not JSON": (
        damaged("config.json", "no"), ModelChanges(), "is not JSON"
    ),
    "pooling without a width": (
        damaged("1_Pooling/config.json", "{}"), ModelChanges(), "cannot be loaded"
    ),
    "a dense layer without a width": (
        damaged("2_Dense/config.json", "{}"), ModelChanges(), "cannot be read: KeyError"
    ),
    "prompts that are no table": (
        damaged("config_sentence_transformers.json", '{"prompts": ["x"]}'), ModelChanges(),
        "cannot be read"
    ),
    "a model that reads two tokens": (
        damaged("sentence_bert_config.json", '{"max_seq_length": 2}'), ModelChanges(),
        "cannot be read"
    ),
    "weights that are cut": (
        damaged("model.safetensors", "12345678"), ModelChanges(), "cannot be loaded"
    ),
    "an empty folder": (no_model, ModelChanges(), "only safetensors weights are read"),
    "more components than there are": (made(), ModelChanges(dim=64), "is more than the model's"),
    "prompts that are not pooled, not packing": (
        made(kind="distilbert", prompts={"query": "loud"}, include_prompt=False), ModelChanges(),
        "pools texts without their prompts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_that_cannot_be_converted_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    make, changes, reason = REFUSED[kind]
    model = make(tmp_path / "made")
    with pytest.raises(ModelInvalid, match=reason) as refused:
        ensure_artefact(tmp_path / "store", model=str(model), passage_tokens=16, changes=changes)
    assert "\n" not in str(refused.value)
    assert not list((tmp_path / "store").glob("encoders/*"))


def test_no_passage_is_longer_than_the_model_reads(tmp_path: Path) -> None:
    """Whatever the setting says: the end of each passage counts."""
    model = tiny_model(tmp_path, max_tokens=20, prompts={"query": "", "document": "loud: "})
    spec = ensure_artefact(tmp_path / "store", model=str(model), passage_tokens=512)
    encoder = GraphEncoder(artefact_folder(tmp_path / "store", spec.encoder_id), precision="f32")
    assert encoder.passage_tokens == 20 - 2 - 2  # two special tokens, two of the prompt
    review = " ".join(["a quiet film and"] * 30) + " war"
    [spans] = split([review], encoder.count_tokens, encoder.passage_tokens)
    passages = [review[slice(*span)] for span in spans]
    assert "".join(passages[-1:]).endswith("war")
    changed = [
        passage[:-3] + "love" if passage.endswith("war") else passage for passage in passages
    ]
    before, after = encoder.encode_passages(passages), encoder.encode_passages(changed)
    assert np.abs(before[-1] - after[-1]).max() > 1e-3


def test_the_dense_layers_weights_are_part_of_the_identity(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "one", dense=8)
    other = shutil.copytree(model, tmp_path / "other")
    again = tiny_model(tmp_path / "two", dense=8)
    weights = other / "2_Dense" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    store = tmp_path / "store"
    ids = [
        ensure_artefact(store, model=str(path), passage_tokens=16).encoder_id
        for path in (model, again, other)
    ]
    assert ids[0] == ids[1] != ids[2]
