"""Tuning a small model on an invented catalogue, killed on the way, and both of its outcomes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from services.embedder.model.conversion import ensure_artefact
from services.tuning import finetune as tuning
from services.tuning.finetune import CannotTune, TuningOptions, finetune
from services.tuning.training_loop import CHECKPOINT
from services.tuning.tuning_report import REPORT, Comparison
from shared.encoder import GraphEncoder, artefact_folder
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.tiny_models import WORDS, tiny_model
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.encoder,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

MOVIES = 120
CHILD = """
import sys
from pathlib import Path
from services.tuning import training_loop, training_pairs
from services.tuning.finetune import TuningOptions, finetune
training_loop.CHECKPOINT_EVERY_S = 0.0
training_pairs.LEAST_SCORE = 0.1
store, models, model, name = sys.argv[1:]
finetune(TuningOptions(Path(store), Path(models), name, model, 16, epochs=12), print)
"""


def catalogue(folder: Path) -> TuningOptions:
    """A catalogue whose descriptions and reviews share a few words of each movie."""
    chance = random.Random(3)
    model = tiny_model(folder / "made")
    store = SnapshotStore(folder / "snapshots")
    spec = ensure_artefact(folder / "artefacts", model=str(model), passage_tokens=16)
    encoder = GraphEncoder(artefact_folder(folder / "artefacts", spec.encoder_id))
    movies = []
    for number in range(MOVIES):
        words = chance.choices(WORDS, k=6)
        chance.shuffle(words)
        movies.append(
            SampleMovie(
                f"tt{number:07d}",
                (" ".join(words), " ".join(words[:4])),
                title=f"Movie {number}",
                description=" ".join(words[::-1]),
            )
        )
    SnapshotBuilder(store, encoder).publish(movies, mapped=False)
    return TuningOptions(store.root, folder / "models", "tuned", str(model), 16, epochs=12)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TuningOptions:
    monkeypatch.setattr("services.tuning.training_pairs.LEAST_SCORE", 0.1)
    return catalogue(tmp_path)


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


@pytest.mark.timeout(600)
def test_a_run_that_is_killed_goes_on_and_gives_the_same(options: TuningOptions) -> None:
    """Also in another process; and the result is a model like any other, with its report."""
    command = [
        sys.executable, "-c", CHILD, str(options.snapshots), str(options.models), options.model,
    ]  # fmt: skip
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run([*command, "whole"], check=True, env=environment)
    with subprocess.Popen([*command, "killed"], env=environment) as child:
        wait_until(lambda: list(options.models.glob(f".killed/*/{CHECKPOINT}")), timeout_s=300)
        child.send_signal(signal.SIGKILL)
    assert not (options.models / "killed").exists()
    again = subprocess.run(
        [*command, "killed"], check=True, env=environment, capture_output=True, text=True
    )
    steps = [line.split()[1] for line in again.stdout.splitlines() if line.startswith("step ")]
    assert int(steps[0]) > 1  # it did not begin again
    [whole] = options.models.glob("whole*")
    [killed] = options.models.glob("killed*")
    assert whole.suffix == killed.suffix
    one, two = weights(whole), weights(killed)
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
    base = weights(Path(options.model))
    changed = {name for name, values in one.items() if not np.array_equal(values, base[name])}
    assert changed
    assert not any(name.startswith("embeddings.") for name in changed)
    report = json.loads((whole / REPORT).read_text())
    assert report["pairs"] + report["kept_out"] <= MOVIES
    assert {path.name for path in options.models.iterdir()} == {whole.name, killed.name}
    spec = ensure_artefact(options.models.parent / "again", model=str(whole), passage_tokens=16)
    assert spec.weights_sha256 != report["base_weights_sha256"]


def test_a_result_is_used_only_if_it_is_better(
    options: TuningOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    ranks = {"before": ([0.2] * 50, [0.5] * 50), "better": ([0.9] * 50, [0.5] * 50)}
    compared = Comparison.of
    monkeypatch.setattr(tuning, "_compare", lambda *_, **__: tuple(
        compared(before, after)
        for before, after in zip(ranks["before"], ranks["better"], strict=True)
    ))  # fmt: skip
    report, folder = finetune(options, said.append)
    assert report.refusal is None
    assert folder == options.models / "tuned"
    with pytest.raises(CannotTune, match="choose another --name"):
        finetune(options, said.append)
    monkeypatch.setattr(tuning, "_compare", lambda *_, **__: (
        compared([0.5] * 50, [0.5] * 50), compared([0.5] * 50, [0.5] * 50)
    ))  # fmt: skip
    other = TuningOptions(**{**vars(options), "name": "useless"})
    report, folder = finetune(other, said.append)
    assert report.refusal is not None
    assert folder == options.models / "useless.refused"
    assert json.loads((folder / REPORT).read_text())["refusal"] == report.refusal
    assert any("pairs to train on" in line for line in said)


def test_too_few_descriptions_are_said(options: TuningOptions, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"movie_id": "tt0000001", "text": "a quiet film and loud war"}\n')
    few = TuningOptions(**{**vars(options), "pairs": pairs})
    with pytest.raises(CannotTune, match="are the least"):
        finetune(few, lambda _: None)
