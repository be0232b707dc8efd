"""Which pictures a run asks for: each once, those of its own movies, failed ones last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.visits import poster_records
from services.ingest.visits.poster_records import REFRESH_AFTER_S, PosterRecords
from services.ingest.visits.visits_file import connect


class Clock:
    """The time that the records see."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def time(self) -> float:
        self.now_s += 1
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(poster_records, "time", clock)
    return clock


@pytest.fixture
def db(clock: Clock) -> Iterator[sqlite3.Connection]:
    connection = connect(":memory:")
    yield connection
    connection.close()


def see(db: sqlite3.Connection, *movies: str, table: str = "sent") -> None:
    """Make movies items of the run, as ``Visits`` does."""
    for name in ("sent", "kept"):
        db.execute(f"DELETE FROM {name}")  # noqa: S608
    rows = [(movie,) for movie in movies]
    db.executemany(f"INSERT INTO {table} VALUES (?)", rows)  # noqa: S608


def test_a_picture_is_wanted_until_it_is_stored(db: sqlite3.Connection) -> None:
    first = PosterRecords(db, "run-1")
    first.note({"movie/a": "u1", "movie/b": "u2", "movie/c": "u1", "movie/d": None})
    see(db, "movie/a", "movie/b", "movie/c", "movie/d")
    assert first.wanted() == ["u1", "u2"]
    first.tried("u1")
    first.stored("u1", "5f")
    assert first.wanted() == ["u2"]
    see(db, "movie/a", "movie/b", table="kept")
    assert PosterRecords(db, "run-2").wanted() == ["u2"]


def test_only_pictures_of_the_runs_own_movies_are_wanted(db: sqlite3.Connection) -> None:
    records = PosterRecords(db, "run-1")
    records.note({"movie/a": "u1", "movie/b": "u2"})
    see(db, "movie/b", "review/a")
    assert records.wanted() == ["u2"]


def test_another_address_is_another_picture(db: sqlite3.Connection) -> None:
    records = PosterRecords(db, "run-1")
    records.note({"movie/a": "u1"})
    see(db, "movie/a")
    records.tried("u1")
    records.stored("u1", "5f")
    records.note({"movie/a": "u2"})
    assert records.wanted() == ["u2"]
    records.note({"movie/a": None})
    assert records.wanted() == []


def test_what_failed_is_left_to_the_next_run_and_goes_last(db: sqlite3.Connection) -> None:
    records = PosterRecords(db, "run-1")
    records.note({"movie/a": "u1", "movie/b": "u2", "movie/c": "u3"})
    see(db, "movie/a", "movie/b", "movie/c")
    records.failed(["u2", "u1"])
    assert records.wanted() == ["u3"]
    assert PosterRecords(db, "run-2").wanted() == ["u3", "u2", "u1"]


def test_what_ended_the_process_goes_last(db: sqlite3.Connection) -> None:
    records = PosterRecords(db, "run-1")
    records.note({"movie/a": "u1", "movie/b": "u2"})
    see(db, "movie/a", "movie/b")
    records.tried("u1")  # and nothing after it
    assert PosterRecords(db, "run-2").wanted() == ["u2", "u1"]


def test_a_picture_is_asked_for_again_when_it_is_old(db: sqlite3.Connection, clock: Clock) -> None:
    records = PosterRecords(db, "run-1")
    records.note({"movie/a": "u1"})
    see(db, "movie/a")
    records.tried("u1")
    records.stored("u1", "5f")
    clock.now_s += REFRESH_AFTER_S - 10
    assert PosterRecords(db, "run-2").wanted() == []
    clock.now_s += 20
    assert PosterRecords(db, "run-2").wanted() == ["u1"]


def test_what_no_movie_names_any_more_is_forgotten(db: sqlite3.Connection) -> None:
    records = PosterRecords(db, "run-1")
    records.note({"movie/a": "u1", "movie/b": "u2"})
    see(db, "movie/a", "movie/b")
    for url in ("u1", "u2"):
        records.tried(url)
        records.stored(url, "5f")
    see(db, "movie/b")
    records.forget_gone()
    assert db.execute("SELECT movie, url FROM posters").fetchall()[0][0] == "movie/b"
    assert [row[0] for row in db.execute("SELECT url FROM pictures")] == ["u2"]


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["u1", "u2", None])), max_size=9)
)
def test_the_last_address_of_each_movie_counts(steps: list[tuple[str, str | None]]) -> None:
    db = connect(":memory:")
    records = PosterRecords(db, "run-1")
    see(db, *(f"movie/{name}" for name in "abcd"))
    for name, url in steps:
        records.note({f"movie/{name}": url})
    last = {url for url in dict(steps).values() if url is not None}
    assert set(records.wanted()) == last
    assert len(records.wanted()) == len(last)
    db.close()
