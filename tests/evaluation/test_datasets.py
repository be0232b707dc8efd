"""The collections of ``make evaluate``: which snapshot each query set is measured over."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.evaluation.datasets import (
    LARGE,
    SMALL,
    Collection,
    JudgedQueries,
    Measurement,
    measurements_of,
    missing_files,
    query_folders,
)
from shared.evaluation.floors import check_floors, parse_floor
from shared.evaluation.query_sets import read_query_set
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.query.query_sets import write_query_set

COLLECTION = Collection(
    "two",
    reviews_per_movie=0,
    query_sets=(
        JudgedQueries("two-plot", own_descriptions=True),
        JudgedQueries("two-avoid", forms=("typed", "slip")),
    ),
    floors=("plot:R@10>=0", "avoid-typed:R@10>=0", "avoid:R@10>=0"),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "two"
    folder.mkdir(parents=True)
    movies = {
        "movie_id": ["/title/tt0000001/", "tt0000002"],
        "movie_title": ["One", "Two"],
        "movie_desc": ["A boxer fights.", "Rain falls."],
    }
    pq.write_table(pa.table(movies), folder / "movies.parquet")
    reviews = {
        "movie_id": ["/title/tt0000001/", "tt0000002"],
        "review_id": ["r1", "r2"],
        "text": ["He trains for his fight.", "Rain and neon."],
    }
    pq.write_table(pa.table(reviews), folder / "reviews.parquet")
    queries = tmp_path / "data" / "queries"
    write_query_set(queries / "two-plot", {"p": "A boxer fights."}, {"p": {"tt0000001": 1}})
    write_query_set(queries / "two-avoid", {"a": ("neon", "war")}, {"a": {"tt0000002": 1}})
    return tmp_path / "data"


def descriptions(store: SnapshotStore) -> list[str | None]:
    catalogue = open_snapshot(store, store.current().snapshot_id).catalogue
    return [movie.description for movie in catalogue.movies_after("", 10)]


def names(measurement: Measurement) -> list[str]:
    return [read_query_set(folder).name for folder in measurement.queries]


@pytest.mark.encoder
def test_descriptions_are_left_out_of_the_movies_that_they_search_for(
    data: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    plots, others = measurements_of(COLLECTION, data=data, work=tmp_path / "w", say=said.append)
    assert names(plots) == ["two-plot"]
    assert descriptions(plots.store) == [None, "Rain falls."]
    assert plots.floors == ("plot:R@10>=0",)
    assert names(others) == ["two-avoid", "two-avoid-typed", "two-avoid-slip"]
    assert descriptions(others.store) == ["A boxer fights.", "Rain falls."]
    assert others.floors == ("avoid-typed:R@10>=0", "avoid:R@10>=0")
    # The second snapshot begins with the vectors of the first: its own run encodes nothing.
    runs = "\n".join(said).split("built in")
    assert not any("1 encoded" in line or "2 encoded" in line for line in runs[1].splitlines())

    said.clear()
    measurements_of(COLLECTION, data=data, work=tmp_path / "w", say=said.append)
    assert all(line.endswith("is up to date") for line in said)


def test_sets_in_another_form_are_written_beside_the_snapshots(data: Path, tmp_path: Path) -> None:
    [avoid] = [queries for queries in COLLECTION.query_sets if queries.forms]
    folders = query_folders((avoid,), data=data, work=tmp_path / "w")
    assert [folder.name for folder in folders] == list(avoid.set_names)
    [typed] = read_query_set(folders[1]).queries
    assert (typed.text, typed.avoid) == ("neon but not war", None)
    assert folders[1].parent == tmp_path / "w" / "queries"


def test_absent_files_are_named(data: Path) -> None:
    assert missing_files(COLLECTION, data) == []
    (data / "two" / "movies.parquet").unlink()
    assert missing_files(COLLECTION, data) == [data / "two" / "movies.parquet"]


@pytest.mark.data
@pytest.mark.parametrize("collection", [SMALL, LARGE], ids=lambda collection: collection.name)
def test_every_floor_applies_to_a_set(
    collection: Collection, real_data: Path, tmp_path: Path
) -> None:
    assert missing_files(collection, real_data) == []
    folders = query_folders(collection.query_sets, data=real_data, work=tmp_path)
    sets = [read_query_set(folder) for folder in folders]
    check_floors([parse_floor(floor) for floor in collection.floors], sets)
