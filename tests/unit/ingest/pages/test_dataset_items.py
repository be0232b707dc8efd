"""Catalogues on disk, in three formats and two sets of column names."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.ingest.pages.datasets.dataset_items import (
    DatasetInvalid,
    check_files,
    read_movies,
    read_reviews,
)
from services.ingest.pages.datasets.dataset_rows import MAX_ROW_CHARS
from services.ingest.pages.items import to_movie, to_review
from services.ingest.sources.sources import Target

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


def _pack(path: Path, suffix: str) -> Path:
    """The file again, compressed as the end of its new name says."""
    packed = path.with_name(path.name + suffix)
    with path.open("rb") as plain:
        if suffix == ".gz":
            with gzip.open(packed, "wb", compresslevel=1) as stream:
                shutil.copyfileobj(plain, stream)
        else:
            with pa.output_stream(str(packed), compression="zstd") as stream:
                shutil.copyfileobj(plain, stream)
    return packed


Write = Callable[[Path, Rows], Path]
_packed: list[Write] = [
    lambda path, rows: _pack(_csv(path, rows), ".gz"),
    lambda path, rows: _pack(_csv(path, rows), ".zst"),
    lambda path, rows: _pack(_jsonl(path, rows), ".gz"),
    lambda path, rows: _pack(_jsonl(path, rows), ".zst"),
]
formats = pytest.mark.parametrize(
    "write",
    [_parquet, _csv, _jsonl, *_packed],
    ids=["parquet", "csv", "jsonl", "csv.gz", "csv.zst", "jsonl.gz", "jsonl.zst"],
)


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
    kept = [item.external_id for item, _ in read_reviews(path, "s", per_movie=3)]
    assert kept == ["1-5", "2-5", "1-1", "2-1", "1-9", "2-9", "1-5"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.csv", None, "no such file"),
        ("a.csv", "movie_id,rating\ntt1,3\n", "no column user_review or text or review"),
        ("a.csv", "", "no column movie_id"),
        ("a.csv", 'movie_id,text\ntt1,"open\n', "cannot be read"),
        ("a.csv", "movie_id,text\ntt1,a\ntt2,a,b,c\n", "line 3: 4 fields, the header has 2"),
        ("a.csv", "movie_id,text,text\ntt1,a,b\n", "duplicate column text"),
        ("a.csv", b"movie_id,text\ntt1,\xff\n", "cannot be read"),
        ("a.jsonl", '\n\n{"movie_id": "tt1"}\n', "no column user_review or text or review"),
        ("a.jsonl", "[" * 100_000, "line 1: not JSON"),
        ("a.csv.gz", gzip.compress(b"movie_id,text\ntt1,x\n", mtime=0)[:-9], "Truncated"),
        ("a.csv.gz", b"movie_id,text\n", "cannot be read: "),
        ("a.jsonl.zst", b"{}", "cannot be read: "),
        ("a.jsonl.zst", b"", "has no column"),
        ("a.jsonl", '{"movie_id": "tt1", "text": "x"}\n{broken\n', "line 2: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: not an object"),
        ("a.parquet", "not parquet", "cannot be read"),
    ],
)
def test_a_broken_file_says_why(
    tmp_path: Path, name: str, content: str | bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DatasetInvalid, match=reason) as fault:
        list(read_reviews(path, "s"))
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize(
    ("name", "opening", "row"),
    [
        ("a.jsonl", '{"movie_id": "tt1", "text": "', "x" * 1_000),
        ("a.csv", "movie_id,text\ntt1,", "x" * 1_000),
        ("a.csv", 'movie_id,text\n"', 'a\n","' * 200),  # every line ends inside a field
    ],
)
def test_a_file_that_expands_without_end_is_refused(
    tmp_path: Path, name: str, opening: str, row: str, suffix: str
) -> None:
    path = tmp_path / name
    path.write_text(opening + row * (3 * MAX_ROW_CHARS // len(row)))
    packed = _pack(path, suffix)
    assert packed.stat().st_size < 1_000_000
    with pytest.raises(DatasetInvalid, match=rf"{packed}.*(a row of more than|field larger than)"):
        list(read_reviews(packed, "s"))


@formats
def test_columns_of_other_names(tmp_path: Path, write: Write) -> None:
    columns: dict[Target, str] = {
        "movie_id": "film", "title": "label", "text": "body", "published": "when", "movie": "of",
    }  # fmt: skip
    movies = write(
        tmp_path / "movies",
        [{"film": "tt0000001", "label": "One", "title": "not this", "movie_id": "nor this"}],
    )
    reviews = write(
        tmp_path / "reviews",
        [
            {"film": "tt0000001", "body": "Good.", "when": "2020-01-02", "of": "One", "text": "no",
             "title": "Its own"},
            {"film": "tt0000001", "body": "", "when": "2020-01-03", "of": "One", "text": "no",
             "title": "Its own"},
        ],
    )  # fmt: skip
    check_files(movies, reviews, columns)
    [movie] = read_movies(movies, "s", columns)
    assert (movie.movie_id, movie.title) == ("tt0000001", "One")
    (first, of), (second, _) = read_reviews(reviews, "s", columns=columns)
    assert (first.text, first.published, of) == ("Good.", "2020-01-02", "One")
    assert first.title == "Its own"  # the reviews have no "label", so the known name holds
    assert second.text == ""  # and "text" is not taken in the place of "body"
    picked = list(read_reviews(reviews, "s", per_movie=1, columns=columns))
    assert len(picked) == 1


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"text": "bdy"}, r"reviews.csv: has no column bdy \(columns.text\)"),
        ({"movie_id": "film"}, None),
        ({"author": "who"}, r"has no column who \(columns.author\), nor has .*reviews.csv"),
        ({"rating": "stars"}, r"has no column stars \(columns.rating\)"),
    ],
)
def test_a_column_that_no_file_has_is_told_before_anything_is_read(
    tmp_path: Path, columns: dict[Target, str], reason: str | None
) -> None:
    movies, reviews = tmp_path / "movies.csv", tmp_path / "reviews.csv"
    movies.write_text("movie_id\n")
    reviews.write_text("film,movie_id,text\ntt1,tt1,x\n")
    if reason is None:
        check_files(movies, reviews, columns)
        return
    with pytest.raises(DatasetInvalid, match=reason):
        check_files(movies, reviews, columns)


def test_a_missing_file_is_told_before_anything_is_read(tmp_path: Path) -> None:
    movies = _csv(tmp_path / "movies", [{"movie_id": "tt1"}])
    with pytest.raises(DatasetInvalid, match=r"reviews\.csv: no such file"):
        check_files(movies, tmp_path / "reviews.csv", {})


def test_a_row_of_jsonl_need_not_have_every_key(tmp_path: Path) -> None:
    reviews = _jsonl(
        tmp_path / "reviews",
        [{"movie_id": "a", "text": "x"}, {"movie_id": "a", "text": "y", "who": "Ada"}],
    )
    check_files(reviews, reviews, {"author": "who"})
    authors = [item.author for item, _ in read_reviews(reviews, "s", columns={"author": "who"})]
    assert authors == [None, "Ada"]


@pytest.mark.parametrize(
    ("year", "read"),
    [(1985, 1985), ("1985", 1985), ("1985.0", 1985), (1985.0, 1985), ("1985-07-03", 1985),
     ("", None), ("about 1985", None), ("19855", None), (float("nan"), None)],
)  # fmt: skip
def test_years(tmp_path: Path, year: object, read: int | None) -> None:
    path = _jsonl(tmp_path / "movies", [{"movie_id": "tt1", "year": year}])
    [movie] = read_movies(path, "s")
    assert movie.year == read


def test_values_that_are_no_text_do_not_stop_a_crawl(tmp_path: Path) -> None:
    rows: Rows = [
        {
            "movie_id": "\ud800",
            "review_id": "\udfff x",
            "text": "half \ud83d pair",
            "url": "https://\ud800",
        },
        {"movie_id": 7, "text": ["a"], "rating": 10**400, "spoiler": "maybe", "genres": {}},
        {"movie_id": None, "text": "of no film"},
    ]
    path = _jsonl(tmp_path / "reviews", rows)
    odd, plain = (to_review(item, "s") for item, _ in read_reviews(path, "s"))
    assert odd.text == "half pair"
    assert odd.url is None
    assert (plain.movie_id, plain.text, plain.rating, plain.spoiler) == ("7", "['a']", None, None)


@pytest.mark.data
def test_the_real_catalogues(real_data: Path) -> None:
    movies = [to_movie(item) for item in read_movies(real_data / "imdb500/movies.parquet", "s")]
    assert len({movie.movie_id for movie in movies}) == 500
    path = real_data / "imdb500/reviews.parquet"
    reviews = [to_review(item, "s") for item, _ in read_reviews(path, "s", per_movie=5)]
    assert len({review.review_id for review in reviews}) == 2500
    assert all(review.review_id.startswith("imdb:rw") for review in reviews)
    assert {review.movie_id for review in reviews} == {movie.movie_id for movie in movies}


# Reads a file in a process of its own and says by how many bytes its memory has still grown after
# the first third.
_MEASURE = """
import sys
from pathlib import Path
from services.ingest.pages.datasets.dataset_items import read_reviews
path, per_movie = Path(sys.argv[1]), int(sys.argv[2])
reader = iter(read_reviews(path, "s", per_movie=per_movie))
for _ in range(25_000):
    next(reader)
def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1]) * 1024

before = memory("VmRSS:")
count = 25_000 + sum(1 for _ in reader)
print(count, memory("VmHWM:") - before)
"""


@pytest.mark.data
@pytest.mark.parametrize("form", ["parquet", "csv.gz", "jsonl.zst"])
def test_75000_reviews_are_read_in_flat_memory(real_data: Path, tmp_path: Path, form: str) -> None:
    path = real_data / "imdb75k/reviews.parquet"
    if form != "parquet":
        rows = pq.read_table(path).to_pylist()
        write = _csv if form.startswith("csv") else _jsonl
        path = _pack(write(tmp_path / "reviews", rows), "." + form.split(".")[1])
    run = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path), "0"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    count, growth_bytes = map(int, run.stdout.split())
    print(f"{form}: {count} reviews, memory grew by {growth_bytes / 2**20:.1f} MiB")
    assert count == 75_000
    assert growth_bytes < 32 * 2**20  # the text that is read meanwhile has 60


def test_every_fact_of_a_movie(tmp_path: Path) -> None:
    rows: Rows = [
        {
            "movie_id": "tt0000001", "original_title": "Eins", "cast": "Ada|Ben", "country": "DE",
            "languages": ["German"], "keywords": "sea, boat", "runtime": 101.0,
            "vote_count": "1234", "poster_url": "https://films.example/p.jpg",
        },
        {"movie_id": "tt0000002", "runtime": 0, "vote_count": -1, "cast": None, "poster_url": "p"},
        {"movie_id": "tt0000003", "runtime": 1e9, "vote_count": 1e300, "country": 7},
    ]  # fmt: skip
    movie, *others = map(to_movie, read_movies(_jsonl(tmp_path / "movies", rows), "s"))
    assert (movie.original_title, movie.people) == ("Eins", ("Ada", "Ben"))
    assert (movie.countries, movie.languages) == (("DE",), ("German",))
    assert (movie.keywords, movie.runtime_minutes) == (("sea", "boat"), 101)
    assert (movie.votes, movie.poster_url) == (1234, "https://films.example/p.jpg")
    for other in others:
        assert (other.runtime_minutes, other.votes, other.people, other.poster_url) == (
            None, None, (), None,
        )  # fmt: skip
