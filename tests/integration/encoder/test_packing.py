"""Texts that share a row of an inference get the same vectors as alone, with any kind of model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.embedder.model import graph_export
from services.embedder.model.conversion import ensure_artefact, load_torch_model
from shared.encoder import GraphEncoder, artefact_folder
from shared.encoder.artefact import GRAPH
from shared.encoder.graph import Graph
from shared.encoder.runtime import ov
from tests.support.embedder.tiny_models import WORDS, Kind, tiny_model

pytestmark = [
    pytest.mark.encoder,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]


def made(tmp_path: Path, kind: Kind, *, dense: int | None = None) -> tuple[bool, float]:
    """Whether the artefact of such a model packs, and its least cosine to the model's vectors."""
    model = tiny_model(tmp_path, kind=kind, dense=dense)
    spec = ensure_artefact(tmp_path / "store", model=str(model), passage_tokens=16)
    folder = artefact_folder(tmp_path / "store", spec.encoder_id)
    graph = Graph(ov.Core(), folder / GRAPH, precision="f32", threads=1)
    chance = np.random.default_rng(5)
    texts = [" ".join(chance.choice(WORDS, size=chance.integers(1, 60))) for _ in range(90)]
    expected = load_torch_model(str(model)).encode(texts, normalize_embeddings=True)
    encoder = GraphEncoder(folder, precision="f32")
    encoded = encoder.encode_queries(texts), encoder.encode_passages(texts)
    return graph.packs, min(float((expected * rows).sum(axis=1).min()) for rows in encoded)


@pytest.mark.parametrize("kind", ["bert", "roberta", "mpnet"])
def test_models_that_pack_give_the_vectors_of_the_model(tmp_path: Path, kind: Kind) -> None:
    packs, cosine = made(tmp_path, kind)
    assert packs
    assert cosine >= 0.9999


def test_a_layer_after_pooling_is_the_models_own(tmp_path: Path) -> None:
    packs, cosine = made(tmp_path, "bert", dense=24)
    assert packs
    assert cosine >= 0.9999


def test_a_bare_transformer_is_pooled_as_the_reference_does(tmp_path: Path) -> None:
    tiny_model(tmp_path, kind="bert")
    bare = tmp_path / "inner"  # no modules.json
    spec = ensure_artefact(tmp_path / "store", model=str(bare), passage_tokens=16)
    encoder = GraphEncoder(artefact_folder(tmp_path / "store", spec.encoder_id), precision="f32")
    texts = ["a quiet film", "loud war and love", "a"]
    expected = load_torch_model(str(bare)).encode(texts, normalize_embeddings=True)
    assert (expected * encoder.encode_queries(texts)).sum(axis=1).min() >= 0.9999


def test_a_model_that_is_not_known_to_pack_gets_one_text_a_row(tmp_path: Path) -> None:
    packs, cosine = made(tmp_path, "distilbert")
    assert not packs
    assert cosine >= 0.9999


def test_a_graph_that_packs_wrongly_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(graph_export, "first_position", lambda *_: 1)  # of a BERT it is 0
    packs, cosine = made(tmp_path, "bert")
    assert not packs
    assert cosine >= 0.9999
    assert "packing refused: vectors differ" in capsys.readouterr().out


def test_the_bundled_model_packs(encoder_store: Path) -> None:
    [folder] = (encoder_store / "encoders").iterdir()
    assert Graph(ov.Core(), folder / GRAPH, precision="f32", threads=1).packs
