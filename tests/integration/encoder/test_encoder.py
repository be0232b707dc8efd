"""The converted graph gives the same vectors as the model in sentence-transformers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from services.embedder.model import quantisation
from services.embedder.model.conversion import (
    ensure_artefact,
    find_model,
    load_torch_model,
)
from services.embedder.model.model_files import ModelInvalid
from services.embedder.model.quantisation import with_int8
from services.embedder.model.torch_encoder import TorchEncoder
from services.ingest.demo_site.demo_catalogue import load_catalogue
from shared.encoder import (
    EncoderInvalid,
    GraphEncoder,
    artefact_folder,
    has_vnni,
    read_artefact,
)
from shared.encoder.precision import choose
from shared.settings import Precision
from shared.text.passages import split
from tests.support.embedder.tiny_models import WORDS, Pooling, tiny_model

pytestmark = [
    pytest.mark.encoder,
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]


@pytest.fixture(scope="module")
def folder(encoder_store: Path) -> Path:
    [artefact] = (encoder_store / "encoders").iterdir()
    return artefact


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Real sentences of very different length, and texts that are difficult for a tokenizer."""
    catalogue = load_catalogue()
    return [
        *(movie.description for movie in catalogue),
        *(review.text for movie in catalogue for review in movie.reviews[:2]),
        "short",
        "",
        "日本の静かな映画",
        "naïve café — déjà vu… 🎬",
        "word " * 1000,
    ]


@pytest.fixture(scope="module")
def reference(texts: list[str]) -> np.ndarray:
    model = load_torch_model("all-MiniLM-L6-v2")
    vectors: np.ndarray = model.encode(texts, normalize_embeddings=True)
    return vectors


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artefact whose vectors keep their common direction, to be compared number by number."""
    store = tmp_path_factory.mktemp("plain")
    spec = ensure_artefact(store, model="all-MiniLM-L6-v2", passage_tokens=64, with_direction=False)
    return artefact_folder(store, spec.encoder_id)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_the_graph_agrees_with_the_reference(
    plain_folder: Path, texts: list[str], reference: np.ndarray, precision: str
) -> None:
    encoder = GraphEncoder(plain_folder, precision=precision)  # type: ignore[arg-type]
    vectors = encoder.encode_passages(texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * reference).sum(axis=1).min() >= 0.999
    expected, actual = reference @ reference.T, vectors @ vectors.T
    top = [set(row[:10]) for row in np.argsort(-expected, axis=1)]
    ours = [set(row[:10]) for row in np.argsort(-actual, axis=1)]
    overlap = np.mean([len(a & b) / 10 for a, b in zip(top, ours, strict=True)])
    assert overlap >= 0.98


@pytest.fixture(scope="module")
def real_texts(real_data: Path) -> tuple[list[str], list[str]]:
    """500 queries and 500 passages that people wrote."""
    queries = [
        json.loads(line)["text"]
        for name in ("imdb500-plot", "imdb500-mood", "imdb75k-plot")
        for line in (real_data / "queries" / name / "queries.jsonl").read_text().splitlines()
    ]
    table = pq.read_table(real_data / "imdb500" / "reviews.parquet", columns=["user_review"])
    reviews = [str(text) for text in table["user_review"].to_pylist()[:200]]
    passages = [
        review[slice(*span)]
        for review, spans in zip(
            reviews, split(reviews, lambda parts: [len(part.split()) for part in parts], 50),
            strict=True,
        )
        for span in spans
    ]  # fmt: skip
    return queries[:500], passages[:500]


needs_vnni = pytest.mark.skipif(not has_vnni(), reason="this CPU has no VNNI: int8 is not used")


@needs_vnni
@pytest.mark.data
def test_int8_queries_stay_near_on_real_texts(
    plain_folder: Path, real_texts: tuple[list[str], list[str]]
) -> None:
    texts = [text for group in real_texts for text in group]
    assert len(texts) == 1000
    expected = load_torch_model("all-MiniLM-L6-v2").encode(texts, normalize_embeddings=True)
    encoder = GraphEncoder(plain_folder, precision="int8")
    assert (encoder.precision, str(encoder.passage_precision) != "int8") == ("int8", True)
    vectors = np.concatenate([encoder.encode_queries([text]) for text in texts])
    cosines = (vectors * expected).sum(axis=1)
    assert cosines.min() >= 0.98
    assert cosines.max() < 0.99999  # it is int8 that was measured
    assert read_artefact(plain_folder).int8_cosine == pytest.approx(cosines.min(), abs=0.01)


@needs_vnni
def test_an_artefact_without_int8_is_given_it_in_place(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    copy = artefact_folder(store, folder.name)
    shutil.copytree(folder, copy)
    whole = json.loads((copy / "spec.json").read_text())
    older = {"encoder": whole["encoder"], "files": {
        name: entry for name, entry in whole["files"].items() if not name.startswith("query.")
    }}  # fmt: skip
    (copy / "spec.json").write_text(json.dumps(older))
    for name in ("query.xml", "query.bin"):
        (copy / name).unlink()
    assert GraphEncoder(copy).precision != "int8"  # it serves all the same
    assert GraphEncoder(copy, precision="int8").precision != "int8"
    kept = (copy / "graph.bin").stat().st_mtime_ns
    spec = ensure_artefact(store, model="all-MiniLM-L6-v2", passage_tokens=64)
    assert spec.encoder_id == folder.name
    assert (copy / "graph.bin").stat().st_mtime_ns == kept
    assert sorted(path.name for path in copy.iterdir()) == sorted([*whole["files"], "spec.json"])
    assert read_artefact(copy).has_int8
    assert GraphEncoder(copy, precision="int8").precision == "int8"


@needs_vnni
def test_int8_that_changes_the_vectors_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    plain = read_artefact(copy).model_copy(
        update={"files": {n: f for n, f in read_artefact(copy).files.items() if "query" not in n},
                "int8_cosine": None}
    )  # fmt: skip
    # Inputs are cut to a sixteenth of what they take: a quantiser that is wrong.
    monkeypatch.setattr(quantisation, "_range_with_zero", lambda low, high: (-0.1, 0.0992))
    tested = with_int8(copy, plain)
    assert tested.int8_cosine is not None
    assert tested.int8_cosine < 0.98
    assert not tested.has_int8
    assert read_artefact(copy) == tested
    assert with_int8(copy, tested) is tested  # it is not tried again at every start
    assert GraphEncoder(copy, precision="int8").precision == GraphEncoder(copy).passage_precision


@pytest.mark.parametrize(
    ("setting", "bf16", "int8", "queries", "passages"),
    [
        ("auto", True, True, "int8", "bf16"),
        ("auto", False, True, "int8", "f32"),
        ("auto", True, False, "bf16", "bf16"),
        ("auto", False, False, "f32", "f32"),
        ("int8", True, True, "int8", "bf16"),
        ("int8", False, False, "f32", "f32"),
        ("bf16", True, True, "bf16", "bf16"),
        ("f32", True, True, "f32", "f32"),
    ],
)
def test_the_precision_is_what_the_setting_and_the_cpu_allow(
    setting: Precision, bf16: bool, int8: bool, queries: str, passages: str
) -> None:
    assert choose(setting, bf16=bf16, int8=int8) == (queries, passages)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f avx512_vnni", True), ("fpu avx_vnni", True), ("fpu avx2 avx512f", False)],
)
def test_vnni_is_read_from_the_cpus_flags(tmp_path: Path, flags: str, expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t: x\n")
    assert has_vnni(tmp_path / "cpuinfo") is expected
    assert not has_vnni(tmp_path / "absent")


@pytest.mark.data
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_it_agrees_on_real_queries_and_passages(
    plain_folder: Path, real_texts: tuple[list[str], list[str]], precision: str
) -> None:
    queries, passages = real_texts
    assert (len(queries), len(passages)) == (500, 500)
    model = load_torch_model("all-MiniLM-L6-v2")
    expected_queries = model.encode(queries, normalize_embeddings=True)
    expected_passages = model.encode(passages, normalize_embeddings=True)
    encoder = GraphEncoder(plain_folder, precision=precision)  # type: ignore[arg-type]
    # One by one, as the query service does when it is idle; passages in bulk, as the embedder.
    actual_queries = np.concatenate([encoder.encode_queries([text]) for text in queries])
    actual_passages = encoder.encode_passages(passages)
    for actual, expected in (
        (actual_queries, expected_queries),
        (actual_passages, expected_passages),
        (encoder.encode_queries(queries), expected_queries),
    ):
        assert (actual * expected).sum(axis=1).min() >= 0.999
    overlap = top_overlap(
        expected_queries @ expected_passages.T, actual_queries @ actual_passages.T
    )
    assert overlap >= 0.99


def top_overlap(expected: np.ndarray, actual: np.ndarray) -> float:
    """Mean share of each row's ten best that both have."""
    tops = [np.argsort(-scores, axis=1)[:, :10] for scores in (expected, actual)]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(*map(np.ndarray.tolist, tops), strict=True)]
    return float(np.mean(shared))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("normalised", [True, False], ids=["normalised", "not normalised"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_any_pooling_with_or_without_normalising_is_carried_over(
    tmp_path: Path, pooling: Pooling, normalised: bool
) -> None:
    model = tiny_model(tmp_path, pooling=pooling, normalised=normalised)
    spec = ensure_artefact(tmp_path / "store", model=str(model), passage_tokens=16)
    assert (spec.dim, spec.max_tokens, spec.direction_sha256) == (32, 44, None)
    encoder = GraphEncoder(artefact_folder(tmp_path / "store", spec.encoder_id), precision="f32")
    chance = np.random.default_rng(3)
    texts = [" ".join(chance.choice(WORDS, size=n % 60 + 1)) for n in range(120)]
    expected = load_torch_model(str(model)).encode(texts, normalize_embeddings=True)
    for actual in (
        encoder.encode_passages(texts),
        encoder.encode_queries(texts),
        np.concatenate([encoder.encode_queries([text]) for text in texts]),
    ):
        np.testing.assert_allclose(np.linalg.norm(actual, axis=1), 1, atol=1e-6)
        assert (actual * expected).sum(axis=1).min() >= 0.9999
    assert top_overlap(expected @ expected.T, actual @ actual.T) >= 0.99
    others = (expected @ expected.T)[~np.eye(len(texts), dtype=bool)]
    assert others.min() < 0.9  # the model tells texts apart, or agreeing would mean nothing


def test_a_text_has_one_vector_alone_or_in_a_batch(folder: Path, texts: list[str]) -> None:
    encoder = GraphEncoder(folder, precision="f32")
    together = encoder.encode_queries(texts[:40])
    alone = np.concatenate([encoder.encode_queries([text]) for text in texts[:40]])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_common_direction_is_taken_out(
    folder: Path, plain_folder: Path, texts: list[str]
) -> None:
    encoder = GraphEncoder(folder, precision="f32")
    assert encoder.spec.direction_sha256 is not None
    assert encoder.spec.encoder_id != read_artefact(plain_folder).encoder.encoder_id
    _, component = np.load(folder / "direction.npy")
    assert np.abs(encoder.encode_passages(texts) @ component).max() < 1e-5


def test_the_torch_backend_gives_the_same_vectors(folder: Path, texts: list[str]) -> None:
    graph = GraphEncoder(folder, precision="f32")
    encoder = TorchEncoder("all-MiniLM-L6-v2", graph)
    np.testing.assert_allclose(
        encoder.encode_passages(texts[:60]), graph.encode_passages(texts[:60]), atol=1e-4
    )


def test_no_passage_is_cut(folder: Path, texts: list[str]) -> None:
    encoder = GraphEncoder(folder)
    limit = encoder.passage_tokens
    for text, spans in zip(texts, split(texts, encoder.count_tokens, limit), strict=True):
        sizes = encoder.count_tokens([text[slice(*span)] for span in spans])
        assert all(size <= limit for size in sizes)


def test_an_artefact_is_made_once(encoder_store: Path, folder: Path) -> None:
    before = (folder / "graph.bin").stat().st_mtime_ns
    spec = ensure_artefact(encoder_store, model="all-MiniLM-L6-v2", passage_tokens=64)
    assert spec.encoder_id == folder.name
    assert (folder / "graph.bin").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["graph.bin", "graph.xml", "tokenizer.json", "direction.npy"])
def test_a_damaged_artefact_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    damaged = bytearray((copy / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (copy / name).write_bytes(damaged)
    with pytest.raises(EncoderInvalid, match=name):
        GraphEncoder(copy)


def test_an_artefact_of_another_encoder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderInvalid):
        GraphEncoder(folder, encoder_id="0" * 16)
    copy = tmp_path / ("0" * 16)
    shutil.copytree(folder, copy)
    with pytest.raises(EncoderInvalid):
        GraphEncoder(copy)
    spec = json.loads((folder / "spec.json").read_text())
    spec["encoder"]["max_tokens"] = 128
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    (copy / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(EncoderInvalid):
        GraphEncoder(copy)


def test_a_model_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelInvalid, match="no such-model"):
        find_model("no such-model")
    with pytest.raises(ModelInvalid, match="only safetensors"):
        ensure_artefact(tmp_path / "store", model=str(tmp_path), passage_tokens=64)


def test_queries_are_encoded_without_torch_or_transformers(folder: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from shared.encoder import GraphEncoder\n"
        f"GraphEncoder(pathlib.Path({str(folder)!r})).encode_queries(['a quiet film'])\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
