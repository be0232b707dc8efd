"""The whole road on real reviews, and how well it finds the film that a description is of.

Run with ``-s`` to see the figures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.local_system import LocalSystem

pytestmark = [pytest.mark.data, pytest.mark.encoder]

MRR_FLOOR = 0.57  # what the original design reaches on these queries
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


def queries(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "queries.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def relevant(folder: Path) -> dict[str, str]:
    rows = [line.split("\t") for line in (folder / "qrels.tsv").read_text().splitlines()[1:]]
    return {query: document for query, document, score in rows if int(score) > 0}


def test_every_movie_and_review_is_there(system: LocalSystem) -> None:
    snapshot = system.client.get("/snapshot").json()
    assert (snapshot["movies"], snapshot["reviews"]) == (500, 2500)
    [run] = system.admin("GET", "/ingest").json()["runs"]
    assert (run["crawled"], run["stored"], run["duplicate"], run["dead_lettered"]) == (
        2500, 2500, 0, 0,
    )  # fmt: skip
    assert run["embedded"] == 2500


def test_the_described_film_is_found(system: LocalSystem, real_data: Path) -> None:
    folder = real_data / "queries" / "imdb500-plot"
    wanted = relevant(folder)
    reciprocal_ranks = []
    started = time.perf_counter()
    for query in queries(folder):
        hits = system.search(query["text"], k=10, evidence=1)["hits"]
        ranks = [hit["rank"] for hit in hits if hit["movie"]["movie_id"] == wanted[query["_id"]]]
        reciprocal_ranks.append(1 / ranks[0] if ranks else 0.0)
    took_ms = 1000 * (time.perf_counter() - started) / len(reciprocal_ranks)
    mrr = sum(reciprocal_ranks) / len(reciprocal_ranks)
    found = sum(rank > 0 for rank in reciprocal_ranks) / len(reciprocal_ranks)
    print(
        f"\nimdb500-plot, {len(reciprocal_ranks)} queries: MRR@10 {mrr:.3f}, "
        f"R@10 {found:.3f}, {took_ms:.1f} ms a search"
    )
    assert mrr >= MRR_FLOOR


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
