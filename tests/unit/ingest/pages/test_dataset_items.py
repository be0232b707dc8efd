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
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.datasets.dataset_items import DatasetInvalid
from services.ingest.pages.datasets.table_rows import MAX_ROW_CHARS
from services.ingest.pages.items import to_movie, to_review
from services.ingest.pages.unread import Unread
from services.ingest.sources.sources import Target
from tests.support.ingest.dataset_reading import (
    FileReading,
    check_files,
    read_movies,
    read_reviews,
)

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
    path = write(
        tmp_path / "reviews", [*rows, {**rows[0], "movie_id": "tt0000003", "review_id": "3-5"}]
    )
    kept = [item.external_id for item, _ in read_reviews(path, "s", per_movie=3)]
    assert kept == ["1-5", "2-5", "1-1", "2-1", "1-9", "2-9", "3-5"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.csv", None, "no such file"),
        ("a.csv", "movie_id,rating\ntt1,3\n", "no column user_review or text or review"),
        ("a.csv", "", "no column movie_id"),
        ("a.csv", b"movie_id,text\ntt1,\xff\n", "line 2 is not UTF-8; name the encoding"),
        ("a.csv", "review,sentiment\nFine.,positive\n", "no column movie_id or imdb_id; it has"),
        ("a.jsonl", '\n\n{"movie_id": "tt1"}\n', "no column user_review or text or review"),
        ("a.jsonl", "[" * 100_000, "cannot be read|no rows"),
        ("a.csv.gz", b"\x1f\x8bmovie_id,text\n", "cannot be read"),
        ("a.jsonl", "", "no rows that can be read"),
        ("a.parquet", b"PAR1 and no more", "cannot be read"),
    ],
)
def test_a_broken_file_says_why_before_anything_is_read(
    tmp_path: Path, name: str, content: str | bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    movies = _csv(tmp_path / "movies", [{"movie_id": "tt1"}])
    with pytest.raises(DatasetInvalid, match=reason) as fault:
        check_files(movies, path, FileReading({}))
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("name", "content", "texts", "where"),
    [
        ("a.csv", "movie_id,text\ntt1,a\ntt2,a,b,c\ntt3,c\n", ["a", "c"], "line 3"),
        ("a.csv", 'movie_id,text\ntt1,"open\ntt2,b\ntt3,c\n', ["b", "c"], "line 2"),
        ("a.csv", 'movie_id,text\ntt1,"a" b\ntt2,"two\nlines"\n', ["two\nlines"], "line 2"),
        ("a.csv", b"movie_id,text\ntt1,caf\xc3\xa9\ntt2,\xff\n", ["café"], "line 3"),
        ("a.csv", "movie_id,text\n,a\ntt1,b\n", ["b"], "line 2"),
        ("a.jsonl", '{"movie_id": "tt1", "text": "x"}\n{broken\n', ["x"], "line 2"),
        ("a.jsonl", '{"movie_id": "tt1", "text": "x"}\n[1]\n', ["x"], "line 2"),
        ("a.json", '[{"movie_id": "tt1", "text": "x"}, 7]', ["x"], "entry 2"),
        ("a.json", '[{"movie_id": "tt1", "text": "x"}, {"movie', ["x"], "after 1 rows"),
        ("a.csv.gz", gzip.compress(b"movie_id,text\n" + b"tt1,x\n" * 9, mtime=0)[:-9],
         None, "after"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_costs_only_itself(
    tmp_path: Path, name: str, content: str | bytes, texts: list[str] | None, where: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    unread: list[Unread] = []
    reading = FileReading({}, note=unread.append)
    read = [item.text for item, _ in read_reviews(path, "s", reading=reading)]
    assert texts is None or read == texts
    [only] = unread
    assert (only.kind, where in only.where) == ("row", True)
    assert only.why


@given(
    st.lists(st.text("ab,\"\n' ", max_size=12), min_size=1, max_size=8),
    st.integers(0, 7),
    st.text('",\n;x', max_size=4),
)
def test_a_damaged_line_never_takes_a_whole_row_with_it(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], at: int, damage: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    lines = ["movie_id,text"]
    for number, text in enumerate(texts):
        plain = text.replace('"', "").replace(",", "").replace("\n", " ").strip() or "t"
        lines.append(f"tt{number},{plain}" + (damage if number == at % len(texts) else ""))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    unread: list[Unread] = []
    read = [
        item for item, _ in read_reviews(path, "s", reading=FileReading({}, note=unread.append))
    ]
    known = {item.movie_id for item in read}
    untouched = {f"s:tt{n}" for n in range(len(texts)) if n != at % len(texts)}
    assert len(read) + len(unread) >= len(texts)
    assert untouched <= known or any(one.kind == "row" for one in unread)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize(
    ("name", "opening", "row"),
    [
        ("a.jsonl", '{"movie_id": "tt1", "text": "', "x" * 1_000),
        ("a.csv", "movie_id,text\ntt1,", "x" * 1_000),
    ],
)
def test_a_row_that_expands_without_end_is_not_kept(
    tmp_path: Path, name: str, opening: str, row: str, suffix: str
) -> None:
    path = tmp_path / name
    path.write_text(opening + row * (3 * MAX_ROW_CHARS // len(row)))
    packed = _pack(path, suffix)
    assert packed.stat().st_size < 1_000_000
    unread: list[Unread] = []
    if name == "a.jsonl":  # which has no other row, so that no column is known
        with pytest.raises(DatasetInvalid, match="more than 10000000 characters"):
            list(read_reviews(packed, "s"))
        return
    assert list(read_reviews(packed, "s", reading=FileReading({}, note=unread.append))) == []
    assert unread[0].kind == "row"


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_what_stands_between_fields_is_seen(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"Movie ID{mark}Text{mark}Rating\n90011{mark}Fine.{mark}8/10\n")
    [(review, _)] = read_reviews(path, "s")
    assert (review.movie_id, review.text, review.rating) == ("s:90011", "Fine.", 8.0)


def test_part_files_of_a_folder_and_of_a_glob_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "reviews.parquet"
    folder.mkdir()
    for number in (1, 2):
        _parquet(folder / f"part-{number}", [{"movie_id": number, "text": f"text {number}"}])
    (folder / "_SUCCESS").write_text("")
    for path in (folder, folder / "part-*.parquet"):
        assert [item.text for item, _ in read_reviews(path, "s")] == ["text 1", "text 2"]


def test_a_value_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    rows: Rows = [{"movie_id": 90011.0, "title": "The Lamp Room (1995)", "rating": 71,
                   "genres": "['Drama', 'War']", "runtime": "1h 57min", "year": 9999}]  # fmt: skip
    unread: list[Unread] = []
    [movie] = read_movies(_csv(tmp_path / "movies", rows), "s", FileReading({}, note=unread.append))
    assert (movie.movie_id, movie.title, movie.year) == ("s:90011", "The Lamp Room", 1995)
    assert (movie.genres, movie.runtime_minutes, movie.rating) == (("Drama", "War"), 117, None)
    assert sorted(one.where.split()[-1] for one in unread) == ["rating", "year"]
    assert {one.kind for one in unread} == {"value"}


def test_other_scales_encodings_nulls_and_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("movie_id;text;rating;who\n1;Très drôle.;4,5;n/a\n".encode("cp1252"))
    reading = FileReading(
        {"author": "who"}, rating_scale=5, encoding="cp1252", nulls=frozenset({"n/a"})
    )
    [(review, _)] = read_reviews(path, "s", reading=reading)
    assert (review.text, review.rating, review.author) == ("Très drôle.", 9.0, None)
    nested = _jsonl(
        tmp_path / "b",
        [{"id": 1, "author_details": {"rating": 8}, "content": "Warm."}],
    )
    columns: dict[Target, str] = {
        "movie_id": "id", "rating": "author_details.rating", "text": "content",
    }  # fmt: skip
    [(review, _)] = read_reviews(nested, "s", reading=FileReading(columns))
    assert (review.text, review.rating) == ("Warm.", 8.0)
    rows: Rows = [
        {
            "id": 1,
            "genres": '[{"id": 12, "name": "Drama"}]',
            "crew": '[{"job": "Director", "name": "Bo"}, {"job": "Editor", "name": "X"}]',
        }
    ]
    columns = {"movie_id": "id", "genres": "genres[*].name", "directors": "crew[job=Director].name"}
    [movie] = read_movies(_csv(tmp_path / "c", rows), "s", FileReading(columns))
    assert (movie.genres, movie.directors) == (("Drama",), ("Bo",))


def test_review_ids_that_repeat_in_each_movie_belong_to_their_movie(tmp_path: Path) -> None:
    rows: Rows = [{"movie_id": movie, "review_id": number, "text": f"{movie} {number}"}
                  for movie in ("a", "b") for number in (1, 2)]  # fmt: skip
    ids = {item.external_id for item, _ in read_reviews(_csv(tmp_path / "r", rows), "s")}
    assert ids == {"s:a:1", "s:a:2", "s:b:1", "s:b:2"}


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
    dataset = FileReading(columns).dataset(movies=movies, reviews=reviews)
    [movie] = dataset.movies()
    assert (movie.movie_id, movie.title) == ("tt0000001", "One")
    (first, of, _), (second, _, _) = dataset.reviews()
    assert (first.text, first.published, of) == ("Good.", "2020-01-02", "One")
    assert first.title == "Its own"  # the reviews have no "label", so the known name holds
    assert second.text == ""  # and "text" is not taken in the place of "body"
    sampled = FileReading(columns).dataset(movies=movies, reviews=reviews, reviews_per_movie=1)
    assert len(list(sampled.reviews())) == 1


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
        check_files(movies, reviews, FileReading(columns))
        return
    with pytest.raises(DatasetInvalid, match=reason):
        check_files(movies, reviews, FileReading(columns))


def test_a_missing_file_is_told_before_anything_is_read(tmp_path: Path) -> None:
    movies = _csv(tmp_path / "movies", [{"movie_id": "tt1"}])
    with pytest.raises(DatasetInvalid, match=r"reviews\.csv: no such file"):
        check_files(movies, tmp_path / "reviews.csv", FileReading({}))


def test_a_row_of_jsonl_need_not_have_every_key(tmp_path: Path) -> None:
    reviews = _jsonl(
        tmp_path / "reviews",
        [{"movie_id": "a", "text": "x"}, {"movie_id": "a", "text": "y", "who": "Ada"}],
    )
    check_files(reviews, reviews, FileReading({"author": "who"}))
    authors = [
        item.author
        for item, _ in read_reviews(reviews, "s", reading=FileReading({"author": "who"}))
    ]
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
    assert (plain.movie_id, plain.text, plain.rating, plain.spoiler) == ("s:7", "a", None, None)


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
from tests.support.ingest.dataset_reading import read_reviews
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
