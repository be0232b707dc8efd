from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from services.evaluation.movie_files import write_titled, write_without_descriptions


def test_descriptions_of_some_movies_are_left_out(tmp_path: Path) -> None:
    movies, written = tmp_path / "movies.parquet", tmp_path / "written.parquet"
    rows = {
        "movie_id": ["/title/tt0000001/", "tt0000002", "own-3"],
        "movie_desc": ["first", None, "third"],
        "year": [1990, 1991, 1992],
    }
    pq.write_table(pa.table(rows), movies)
    assert write_without_descriptions(movies, {"tt0000001", "tt0000002"}, written)
    assert pq.read_table(written).to_pydict() == {**rows, "movie_desc": [None, None, "third"]}
    assert pq.read_table(written).schema == pq.read_table(movies).schema


def test_nothing_is_written_where_there_is_nothing_to_leave_out(tmp_path: Path) -> None:
    movies, written = tmp_path / "movies.parquet", tmp_path / "written.parquet"
    pq.write_table(pa.table({"movie_id": ["tt0000001"], "year": [1990]}), movies)
    assert not write_without_descriptions(movies, {"tt0000001"}, written)
    pq.write_table(pa.table({"movie_id": ["tt0000001"], "description": ["first"]}), movies)
    assert not write_without_descriptions(movies, {"tt0000002"}, written)
    assert not written.exists()


def test_movies_without_a_title_go_with_their_reviews(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.parquet" for name in ("movies", "reviews")}
    pq.write_table(pa.table({"movie_id": ["a", "b"], "title": ["A", None]}), files["movies"])
    pq.write_table(pa.table({"movie_id": ["b", "a"], "text": ["x", "y"]}), files["reviews"])
    titled = write_titled(files, tmp_path / "titled")
    assert pq.read_table(titled["movies"])["movie_id"].to_pylist() == ["a"]
    assert pq.read_table(titled["reviews"])["text"].to_pylist() == ["y"]
