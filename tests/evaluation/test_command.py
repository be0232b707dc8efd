"""``movie-search evaluate`` over a small real snapshot: output, errors and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.evaluation.command import Options, run
from shared.encoder import GraphEncoder
from shared.evaluation.constraints import Constraint
from shared.evaluation.query_sets import Query, QuerySet, write_query_set
from shared.snapshot.storage.store import SnapshotStore
from tests.support.query.query_sets import write_query_set as write_judged
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
    return write_judged(
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
    assert list(modes) == ["hybrid", "literal", "pooled+lexical", "semantic", "lexical", "original"]
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


def test_what_people_type_is_measured(data_dir: Path, tmp_path: Path) -> None:
    ask = Constraint(genres=("Comedy",))
    queries = (
        Query("slip", "the undredog", kind="typo"),
        Query("whole", "the underdog", kind="whole"),
        Query("ask", "a funny movie", must=ask),
    )
    judgements = {"slip": {BOXER: 1}, "whole": {BOXER: 1, SPACE: 0, COMEDY: -1}, "ask": {}}
    folder = write_query_set(tmp_path, QuerySet("typed", queries, judgements))
    figures = tmp_path / "figures.json"
    answer = evaluate(
        "--queries", folder, "--data-dir", data_dir, "--json", figures,
        "--mode", "hybrid", "--mode", "literal", "--baseline", "literal",
        "--floor", "typed/whole:R@10>=1", "--floor", "typed:kept@10>=0",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    [typed] = json.loads(figures.read_text())["query_sets"]
    for metrics in (mode["metrics"] for mode in typed["modes"].values()):
        assert list(metrics["kept@10"]["values"]) == ["ask"]
        assert 0 < metrics["kept@10"]["mean"] < 1  # of four movies, some are comedies
        assert metrics["opposites@10"]["mean"] == sum(metrics["opposites@10"]["values"].values())
    assert list(typed["kinds"]) == ["typo", "whole"]
    assert set(typed["kinds"]["typo"]) == {"hybrid", "literal"}


def test_an_earlier_evaluation_is_compared_query_by_query(
    data_dir: Path, plots: Path, tmp_path: Path
) -> None:
    figures, again = tmp_path / "earlier.json", tmp_path / "again.json"
    arguments = ("--queries", plots, "--data-dir", data_dir, "--mode", "hybrid")
    assert evaluate(*arguments, "--json", figures).exit_code == 0
    document = json.loads(figures.read_text())
    [plot] = document["query_sets"]
    plot["modes"]["hybrid"]["metrics"]["MRR@10"]["values"]["boxer"] = 0.5
    figures.write_text(json.dumps(document))
    answer = evaluate(*arguments, "--against", figures, "--json", again)
    assert answer.exit_code == 0, answer.output
    report = json.loads(again.read_text())
    assert report["baseline"] == "earlier"
    [plot] = report["query_sets"]
    assert list(plot["modes"]) == ["hybrid", "earlier"]
    assert plot["modes"]["earlier"]["metrics"]["MRR@10"]["mean"] == 0.75
    gain = plot["modes"]["hybrid"]["metrics"]["MRR@10"]["gain"]
    assert (gain["mean"], gain["p_value"]) == (0.25, 1.0)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"query_sets": [{"name": "plot"}]}'])
def test_other_files_are_no_earlier_evaluation(
    plots: Path, tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "earlier.json"
    if content is not None:
        earlier.write_text(content)
    assert run(Options(queries=[plots], store=tmp_path, earlier=earlier)) == 2
    message = capsys.readouterr().err
    assert str(earlier) in message
    assert message.count("\n") == 1


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
    absent = write_judged(tmp_path / "absent", {"q": "a wizard"}, {"q": {"tt0241527": 1}})
    answer = evaluate(
        "--queries", absent, "--data-dir", data_dir, "--mode", "lexical",
        "--floor", "absent:R@10>=0",
    )  # fmt: skip
    assert answer.exit_code == 1
    assert "absent: skipped, the system has none of its movies" in answer.stderr
    assert "no query of this set could be measured" in answer.stderr
