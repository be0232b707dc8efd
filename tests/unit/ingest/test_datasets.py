"""Catalogues on disk, in three formats and two sets of column names."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.ingest.datasets import DatasetInvalid, read_movies, read_reviews
from services.ingest.items import to_movie, to_review

Rows = list[dict[str, Any]]


def _parquet(path: Path, rows: Rows) -> Path:
    path = path.with_suffix(".parquet")
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def _csv(path: Path, rows: Rows) -> Path:
    path = path.with_suffix(".csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            flat = {k: "|".join(v) if isinstance(v, list) else v for k, v in row.items()}
            writer.writerow(flat)
    return path


def _jsonl(path: Path, rows: Rows) -> Path:
    path = path.with_suffix(".jsonl")
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


Write = Callable[[Path, Rows], Path]
formats = pytest.mark.parametrize("write", [_parquet, _csv, _jsonl])


@formats
def test_the_original_projects_columns(tmp_path: Path, write: Write) -> None:
    movies = write(
        tmp_path / "movies",
        [
            {"movie_title": "One", "movie_id": "/title/tt0000001/", "movie_desc": "First."},
            {"movie_title": "Two", "movie_id": "/title/tt0000002/", "movie_desc": None},
        ],
    )
    one, two = (to_movie(item) for item in read_movies(movies, "s"))
    assert (one.movie_id, one.title, one.description) == ("tt0000001", "One", "First.")
    assert (two.movie_id, two.title, two.description) == ("tt0000002", "Two", None)
    reviews = write(
        tmp_path / "reviews",
        [
            {
                "movie": "One",
                "user_review_permalink": "https://www.imdb.com/review/rw1234567/",
                "user_review": 'Two lines,\nand "quotes".',
                "movie_id": "/title/tt0000001/",
            }
        ],
    )
    [(item, title)] = read_reviews(reviews, "s")
    review = to_review(item, "s")
    assert title == "One"
    assert (review.review_id, review.movie_id) == ("imdb:rw1234567", "tt0000001")
    assert review.text == 'Two lines, and "quotes".'
    assert review.url == "https://www.imdb.com/review/rw1234567/"


@formats
def test_the_other_column_names(tmp_path: Path, write: Write) -> None:
    movies = write(
        tmp_path / "movies",
        [{"movie_id": "tt0000001", "title": "One", "year": 1985, "genres": ["Drama", "War"]}],
    )
    [movie] = (to_movie(item) for item in read_movies(movies, "s"))
    assert (movie.title, movie.year, movie.genres) == ("One", 1985, ("Drama", "War"))
    reviews = write(
        tmp_path / "reviews",
        [
            {"review_id": "a-1", "movie_id": "tt0000001", "rating": 3.0, "text": "Meh."},
            {"review_id": "a-2", "movie_id": "tt0000001", "rating": None, "text": "Hm."},
        ],
    )
    one, two = (to_review(item, "s") for item, _ in read_reviews(reviews, "s"))
    assert (one.review_id, one.rating) == ("s:a-1", 3.0)
    assert (two.review_id, two.rating) == ("s:a-2", None)


@formats
def test_a_sample_of_each_movie_in_a_file_in_no_order(tmp_path: Path, write: Write) -> None:
    rows = [
        {"review_id": f"{movie}-{rating}", "movie_id": f"tt000000{movie}", "rating": rating,
         "text": "t"}
        for rating in (5, 1, 9, 3, 7) for movie in (1, 2)
    ]  # fmt: skip
    path = write(tmp_path / "reviews", [*rows, {**rows[0], "movie_id": "tt0000003"}])
    kept = [item.own_id for item, _ in read_reviews(path, "s", per_movie=3)]
    assert kept == ["1-5", "2-5", "1-1", "2-1", "1-9", "2-9", "1-5"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.csv", None, "no such file"),
        ("a.csv", "movie_id,rating\ntt1,3\n", "no column user_review or text or review"),
        ("a.csv", "", "no column movie_id"),
        ("a.csv", 'movie_id,text\ntt1,"open\n', "cannot be read"),
        ("a.jsonl", '{"movie_id": "tt1", "text": "x"}\n{broken\n', "line 2: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: not an object"),
        ("a.parquet", "not parquet", "cannot be read"),
    ],
)
def test_a_broken_file_says_why(
    tmp_path: Path, name: str, content: str | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(DatasetInvalid, match=reason) as fault:
        list(read_reviews(path, "s"))
    assert str(path) in str(fault.value)


@pytest.mark.data
def test_the_real_catalogues(real_data: Path) -> None:
    movies = [to_movie(item) for item in read_movies(real_data / "imdb500/movies.parquet", "s")]
    assert len({movie.movie_id for movie in movies}) == 500
    path = real_data / "imdb500/reviews.parquet"
    reviews = [to_review(item, "s") for item, _ in read_reviews(path, "s", per_movie=5)]
    assert len({review.review_id for review in reviews}) == 2500
    assert all(review.review_id.startswith("imdb:rw") for review in reviews)
    assert {review.movie_id for review in reviews} == {movie.movie_id for movie in movies}
