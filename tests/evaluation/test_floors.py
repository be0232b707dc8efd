"""The whole system on real reviews, and whether its ranking reaches the floors.

The floors are those of ``make evaluate``. Run with ``-s`` to see the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.evaluation.datasets import SMALL
from tests.support.local_system import LocalSystem

# On a busy machine the fixture encodes 2,500 reviews for many minutes; it fails when nothing moves.
pytestmark = [pytest.mark.data, pytest.mark.encoder, pytest.mark.timeout(3600)]

SOURCES = """\
[sources.imdb500]
spider = "dataset"
movies = "{data}/imdb500/movies.parquet"
reviews = "{data}/imdb500/reviews.parquet"
reviews_per_movie = 5
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[LocalSystem]:
    folder = tmp_path_factory.mktemp("imdb500")
    (folder / "sources.toml").write_text(SOURCES.format(data=real_data))
    with LocalSystem(
        folder / "data", "--sources", str(folder / "sources.toml"), "--source", "imdb500"
    ) as running:
        took_s = running.wait_until_ready()
        print(f"\nimdb500, from an empty folder to searchable: {took_s:.0f} s")
        yield running


def evaluate_arguments(real_data: Path) -> list[str]:
    """Arguments of ``movie-search evaluate``: all sets, and the floors of ``make evaluate``."""
    sets = [f"--queries={real_data / 'queries' / name}" for name in SMALL.query_sets]
    return ["evaluate", *sets, *(f"--floor={floor}" for floor in SMALL.floors)]


def test_every_movie_and_review_is_stored(system: LocalSystem) -> None:
    snapshot = system.client.get("/snapshot").json()
    assert (snapshot["movies"], snapshot["reviews"]) == (500, 2500)
    [run] = system.admin("GET", "/ingest").json()["runs"]
    assert (run["crawled"], run["stored"], run["duplicate"], run["dead_lettered"]) == (
        2500, 2500, 0, 0,
    )  # fmt: skip
    assert run["embedded"] == 2500


def test_the_running_system_reaches_the_floors(
    system: LocalSystem, real_data: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    answer = CliRunner().invoke(
        app,
        [
            *evaluate_arguments(real_data), f"--url={system.client.base_url}", f"--json={figures}",
            "--mode=hybrid", "--mode=semantic", "--baseline=semantic",
        ],
    )  # fmt: skip
    print(answer.output)
    assert answer.exit_code == 0, answer.output
    report = json.loads(figures.read_text())
    assert report["snapshot_id"] == system.client.get("/snapshot").json()["snapshot_id"]
    plot = report["query_sets"][0]
    assert (plot["name"], plot["queries"], plot["remarks"]) == ("imdb500-plot", 238, [])
    gain = plot["modes"]["hybrid"]["metrics"]["MRR@10"]["gain"]
    assert gain["interval"][0] > 0
    assert gain["p_value"] < 0.001


def test_its_snapshot_reaches_the_floors_and_beats_the_original_design(
    system: LocalSystem, real_data: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    answer = CliRunner().invoke(
        app,
        [
            *evaluate_arguments(real_data), f"--data-dir={system.data_dir}", f"--json={figures}",
            "--mode=hybrid", "--mode=original",
        ],
    )  # fmt: skip
    print(answer.output)
    assert answer.exit_code == 0, answer.output
    sets = {
        query_set["name"]: query_set["modes"]
        for query_set in json.loads(figures.read_text())["query_sets"]
    }
    original = {
        name: modes["original"]["metrics"][metric]["mean"]
        for name, metric, modes in (
            ("plot", "MRR@10", sets["imdb500-plot"]),
            ("mood", "nDCG@10", sets["imdb500-mood"]),
        )
    }
    # The figures of the original project's code: the baseline really is the original design.
    assert original == pytest.approx({"plot": 0.575, "mood": 0.495}, abs=0.01)
    for name, metric in (("imdb500-plot", "MRR@10"), ("imdb500-mood", "nDCG@10")):
        gain = sets[name]["hybrid"]["metrics"][metric]["gain"]
        assert gain["interval"][0] > 0.05
        assert gain["p_value"] < 0.001


def test_the_same_reviews_again_are_neither_stored_nor_encoded(system: LocalSystem) -> None:
    before = system.client.get("/snapshot").json()
    run = system.ingest("imdb500")
    assert run["state"] == "searchable", run
    assert (run["crawled"], run["stored"], run["duplicate"], run["embedded"]) == (
        2500, 0, 2500, 0,
    )  # fmt: skip
    after = system.client.get("/snapshot").json()
    assert after["snapshot_id"] == before["snapshot_id"]
    assert after["reviews"] == 2500
