"""The whole system on real reviews, and whether its ranking reaches the floors.

The floors are those of ``make evaluate``. The system first reads the movies without the
descriptions that are queries, and later with them. Run with ``-s`` to see the tables.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.evaluation.datasets import (
    SMALL,
    JudgedQueries,
    floors_of,
    movies_without_descriptions,
    query_folders,
)
from tests.support.local_system import LocalSystem

# On a busy machine the fixture encodes 2,500 reviews for many minutes; it fails when nothing moves.
pytestmark = [pytest.mark.data, pytest.mark.encoder, pytest.mark.timeout(3600)]

SOURCES = """\
[sources.imdb500]
spider = "dataset"
movies = "{folder}/movies.parquet"
reviews = "{data}/imdb500/reviews.parquet"
reviews_per_movie = 5
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[LocalSystem]:
    folder = tmp_path_factory.mktemp("imdb500")
    (folder / "sources.toml").write_text(SOURCES.format(data=real_data, folder=folder))
    assert movies_without_descriptions(SMALL, real_data, folder) == folder / "movies.parquet"
    with LocalSystem(
        folder / "data", "--sources", str(folder / "sources.toml"), "--source", "imdb500"
    ) as running:
        took_s = running.wait_until_ready()
        print(f"\nimdb500, from an empty folder to searchable: {took_s:.0f} s")
        yield running


OWN = tuple(queries for queries in SMALL.query_sets if queries.own_descriptions)
OTHERS = tuple(queries for queries in SMALL.query_sets if not queries.own_descriptions)


def evaluate_arguments(
    query_sets: tuple[JudgedQueries, ...], real_data: Path, folder: Path
) -> list[str]:
    """Arguments of ``movie-search evaluate``: sets, and their floors of ``make evaluate``."""
    folders = query_folders(query_sets, data=real_data, work=folder)
    return [
        "evaluate",
        *(f"--queries={queries}" for queries in folders),
        *(f"--floor={floor}" for floor in floors_of(SMALL, query_sets)),
    ]


def test_every_movie_and_review_is_stored(system: LocalSystem) -> None:
    snapshot = system.client.get("/snapshot").json()
    assert (snapshot["movies"], snapshot["reviews"]) == (500, 2500)
    [run] = system.admin("GET", "/ingest").json()["runs"]
    assert (run["crawled"], run["stored"], run["duplicate"], run["dead_lettered"]) == (
        2500, 2500, 0, 0,
    )  # fmt: skip
    assert run["embedded"] == 2500


def test_plots_are_found_without_their_descriptions(
    system: LocalSystem, real_data: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    answer = CliRunner().invoke(
        app,
        [
            *evaluate_arguments(OWN, real_data, tmp_path), f"--data-dir={system.data_dir}",
            f"--json={figures}", "--mode=hybrid", "--mode=original",
        ],
    )  # fmt: skip
    print(answer.output)
    assert answer.exit_code == 0, answer.output
    assert modes_of(figures, "imdb500-plot")["original"]["MRR@10"]["mean"] == pytest.approx(
        0.575, abs=0.01
    )
    assert_clear_gain(figures, "imdb500-plot", "MRR@10")


def test_the_same_reviews_again_are_neither_stored_nor_encoded(
    system: LocalSystem, real_data: Path
) -> None:
    before = system.client.get("/snapshot").json()
    run = system.ingest("imdb500")
    assert run["state"] == "searchable", run
    assert (run["crawled"], run["stored"], run["duplicate"], run["embedded"]) == (
        2500, 0, 2500, 0,
    )  # fmt: skip
    after = system.client.get("/snapshot").json()
    assert after["snapshot_id"] == before["snapshot_id"]
    assert after["reviews"] == 2500
    # For the tests below: the movies with their descriptions. Only movies change.
    folder = system.data_dir.parent
    shutil.copyfile(real_data / "imdb500" / "movies.parquet", folder / "movies.parquet")
    run = system.ingest("imdb500")
    assert run["state"] == "searchable", run
    assert run["embedded"] == 0


def test_the_running_system_reaches_the_floors(
    system: LocalSystem, real_data: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    answer = CliRunner().invoke(
        app,
        [
            *evaluate_arguments(OTHERS, real_data, tmp_path), f"--url={system.client.base_url}",
            f"--json={figures}", "--mode=hybrid", "--mode=literal", "--baseline=literal",
        ],
    )  # fmt: skip
    print(answer.output)
    assert answer.exit_code == 0, answer.output
    report = json.loads(figures.read_text())
    assert report["snapshot_id"] == system.client.get("/snapshot").json()["snapshot_id"]
    assert [row["name"] for row in report["query_sets"]] == [
        name for queries in OTHERS for name in queries.set_names
    ]


def test_its_snapshot_reaches_the_floors_and_beats_the_original_design(
    system: LocalSystem, real_data: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    answer = CliRunner().invoke(
        app,
        [
            *evaluate_arguments(OTHERS, real_data, tmp_path), f"--data-dir={system.data_dir}",
            f"--json={figures}", "--mode=hybrid", "--mode=original",
        ],
    )  # fmt: skip
    print(answer.output)
    assert answer.exit_code == 0, answer.output
    # The figures of the original project's code: the baseline really is the original design.
    assert modes_of(figures, "imdb500-mood")["original"]["nDCG@10"]["mean"] == pytest.approx(
        0.495, abs=0.01
    )
    assert_clear_gain(figures, "imdb500-mood", "nDCG@10")


def modes_of(figures: Path, name: str) -> dict[str, dict[str, Any]]:
    """The metrics of each mode over a query set."""
    [found] = [row for row in json.loads(figures.read_text())["query_sets"] if row["name"] == name]
    return {mode: result["metrics"] for mode, result in found["modes"].items()}


def assert_clear_gain(figures: Path, name: str, metric: str) -> None:
    gain = modes_of(figures, name)["hybrid"][metric]["gain"]
    assert gain["interval"][0] > 0.05
    assert gain["p_value"] < 0.001
