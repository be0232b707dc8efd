"""``movie-search evaluate`` over a small real snapshot: output, errors and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from shared.encoder import GraphEncoder
from shared.snapshot.storage.store import SnapshotStore
from tests.support.query.query_sets import write_query_set
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = pytest.mark.encoder

BOXER, SPACE, COMEDY = "tt0075148", "tt0083658", "tt0107048"


@pytest.fixture(scope="module")
def data_dir(encoder_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a system with four movies."""
    folder = tmp_path_factory.mktemp("evaluated")
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / "encoders").symlink_to(encoder_store / "encoders")
    [artefact] = (encoder_store / "encoders").iterdir()
    encoder = GraphEncoder(artefact)
    SnapshotBuilder(SnapshotStore(folder / "snapshots"), encoder).publish()
    return folder


@pytest.fixture
def plots(tmp_path: Path) -> Path:
    return write_query_set(
        tmp_path / "queries" / "plot",
        {
            "boxer": "a boxer trains for the fight of his life",
            "space": "machines that dream in a rainy city of neon",
            "absent": "a wizard goes to school",
        },
        {"boxer": {BOXER: 1}, "space": {SPACE: 1, COMEDY: -1}, "absent": {"tt0241527": 1}},
    )


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_all_modes_side_by_side(data_dir: Path, plots: Path, tmp_path: Path) -> None:
    figures = tmp_path / "new" / "figures.json"
    answer = evaluate(
        "--queries", plots.parent, "--data-dir", data_dir, "--json", figures,
        "--floor", "plot:MRR@10>=1", "--floor", "plot:violations@10<=1",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert "plot: 2 queries" in answer.output
    assert "1 of 4 judged movies are missing." in answer.output
    assert "1 of 3 queries are left out: all their relevant movies are missing." in answer.output
    assert "ok     plot: MRR@10 is 1.000, which is >= 1" in answer.output
    report = json.loads(figures.read_text())
    [plot] = report["query_sets"]
    modes = plot["modes"]
    assert list(modes) == ["hybrid", "pooled+lexical", "semantic", "lexical", "original"]
    assert report["baseline"] == "original"
    assert modes["original"]["metrics"]["MRR@10"]["gain"] is None
    for metrics in (mode["metrics"] for mode in modes.values()):
        assert metrics["MRR@10"]["values"] == {"boxer": 1.0, "space": 1.0}
        assert metrics["MRR@10"]["mean"] == 1.0
    assert modes["hybrid"]["metrics"]["MRR@10"]["gain"] == {
        "mean": 0.0, "interval": [0.0, 0.0], "p_value": 1.0,
    }  # fmt: skip
    assert "boxer trains" not in figures.read_text()  # no query's text


def test_a_missed_floor_is_named(data_dir: Path, plots: Path) -> None:
    answer = evaluate(
        "--queries", plots, "--data-dir", data_dir, "--mode", "semantic",
        "--floor", "plot:violations@10<=0", "--floor", "plot:R@10>=1",
    )  # fmt: skip
    assert answer.exit_code == 1
    missed = "floor missed: plot: violations@10 is 0.500, not <= 0: missed by 0.500"
    assert missed in answer.stderr
    assert answer.stderr.count("floor missed") == 1


def test_one_snapshot_can_be_named(data_dir: Path, plots: Path) -> None:
    [current] = SnapshotStore(data_dir / "snapshots").snapshot_ids()
    answer = evaluate(
        "--queries", plots, "--data-dir", data_dir, "--mode", "lexical", "--snapshot", current
    )
    assert answer.exit_code == 0, answer.output
    answer = evaluate("--queries", plots, "--data-dir", data_dir, "--snapshot", "00000009-00000000")
    assert answer.exit_code == 1
    assert "00000009-00000000/manifest.json: No such file" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mode", "psychic"), "a snapshot has no mode 'psychic'; its modes are hybrid"),
        (("--url", "http://127.0.0.1:9", "--mode", "original"), "running system has no mode 'orig"),
        (("--url", "http://127.0.0.1:9", "--snapshot", "x"), "a snapshot or a URL, not both"),
        (("--url", "http://host:port", "--mode", "hybrid"), "Invalid port"),
        (("--floor", "plot:MRR@10"), "floor 'plot:MRR@10': must have the form"),
        (("--floor", "mood:MRR@10>=1"), "the only sets are plot"),
    ],
)
def test_wrong_usage(plots: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    answer = evaluate("--queries", plots, "--data-dir", tmp_path, *arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_malformed_folder(plots: Path, tmp_path: Path) -> None:
    with (plots / "qrels.tsv").open("a") as file:
        file.write("boxer\n")
    answer = evaluate("--queries", plots, "--data-dir", tmp_path)
    assert answer.exit_code == 2
    assert "qrels.tsv, line 6: 1 columns, not query-id, corpus-id, score" in answer.stderr


def test_two_sets_of_one_name(plots: Path, tmp_path: Path) -> None:
    answer = evaluate("--queries", plots, "--queries", plots.parent, "--data-dir", tmp_path)
    assert answer.exit_code == 2
    assert "two query sets are named plot" in answer.stderr


def test_nothing_to_evaluate(plots: Path, tmp_path: Path) -> None:
    answer = evaluate("--queries", plots, "--data-dir", tmp_path)
    assert answer.exit_code == 1
    assert "no snapshot in" in answer.stderr
    answer = evaluate("--queries", plots, "--url", "http://127.0.0.1:9")
    assert answer.exit_code == 1
    assert "no answer from http://127.0.0.1:9" in answer.stderr


def test_a_floor_over_nothing_is_not_reached(data_dir: Path, tmp_path: Path) -> None:
    absent = write_query_set(tmp_path / "absent", {"q": "a wizard"}, {"q": {"tt0241527": 1}})
    answer = evaluate(
        "--queries", absent, "--data-dir", data_dir, "--mode", "lexical",
        "--floor", "absent:R@10>=0",
    )  # fmt: skip
    assert answer.exit_code == 1
    assert "absent: skipped, the system has none of its movies" in answer.stderr
    assert "no query of this set could be measured" in answer.stderr
