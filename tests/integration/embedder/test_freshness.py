"""Freshness counts each stored review once, until the first snapshot that holds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import prometheus_client
import pytest
from sqlalchemy import Engine, text

from services.embedder.database.engine import writing
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import StoredVectors, WorkList
from services.embedder.settling import freshness
from services.embedder.settling.freshness import Freshness, Times
from tests.support.embedder.arrivals import arrive, kept, review
from tests.support.embedder.stored import backlog

ENCODER = "encoder"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds, tz=UTC)


def observed() -> tuple[float, float]:
    """The number of reviews in the histogram, and the sum of their times."""
    values = [
        prometheus_client.REGISTRY.get_sample_value(
            f"movie_search_embedder_freshness_seconds_{part}"
        )
        or 0.0
        for part in ("count", "sum")
    ]
    return values[0], values[1]


class Station:
    """Encodes and publishes when the test says so, with the times that it gives."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.records = SnapshotRecords(engine, ENCODER)
        self.freshness = Freshness(engine, self.records)
        self.before = observed()

    def encode(self, *names: str) -> None:
        work_list = WorkList(self.engine, ENCODER)
        spans, values = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
        work_list.save(
            [
                StoredVectors(item.review_id, item.text_sha256, spans, values)
                for item in backlog(self.engine, 10_000)
                if not names or item.review_id in names
            ]
        )

    def begin(self) -> int:
        with self.records.content() as content:
            return self.records.begin(content.revision)

    def commit(self, sequence: int, seconds: float) -> None:
        self.records.published(sequence, f"{sequence:08d}-00000000", 1)
        with writing(self.engine) as connection:
            connection.execute(
                text("UPDATE snapshots SET published_at = :at WHERE sequence = :sequence"),
                {"at": NOON + seconds, "sequence": sequence},
            )

    def publish(self, seconds: float) -> None:
        self.commit(self.begin(), seconds)
        self.freshness.note()

    def seen(self) -> tuple[int, float]:
        count, total = observed()
        return round(count - self.before[0]), round(total - self.before[1], 3)


@pytest.fixture
def station(engine: Engine) -> Station:
    return Station(engine)


async def test_each_review_counts_with_the_first_snapshot_that_holds_it(station: Station) -> None:
    await arrive(station.engine, review("a", fetched_at=at(0)), review("b", fetched_at=at(10)))
    station.encode("a")
    station.publish(60)
    assert station.seen() == (1, 60)
    station.encode("b")
    station.publish(100)
    assert station.seen() == (2, 150)
    station.publish(500)
    assert station.seen() == (2, 150)
    assert station.freshness.of_run("run-1") == Times(median_s=75, max_s=90)


async def test_what_was_stored_after_a_snapshot_was_begun_is_not_in_it(station: Station) -> None:
    await arrive(station.engine, review("a", fetched_at=at(0)))
    station.encode()
    sequence = station.begin()
    await arrive(station.engine, review("b", fetched_at=at(0)))
    station.encode()
    station.commit(sequence, 20)
    station.freshness.note()
    assert station.seen() == (1, 20)
    station.publish(50)
    assert station.seen() == (2, 70)


async def test_a_new_rating_is_searchable_without_new_vectors(station: Station) -> None:
    await arrive(station.engine, review("a"))
    station.encode()
    station.publish(0)
    rated = review("a", run="run-2", fetched_at=at(100))
    rated = rated.model_copy(update={"review": replace(rated.review, rating=3)})
    await arrive(station.engine, rated)
    station.publish(130)
    assert station.freshness.of_run("run-2") == Times(median_s=30, max_s=30)


async def test_what_is_not_new_or_tells_no_time_does_not_count(station: Station) -> None:
    await arrive(station.engine, review("a", fetched_at=at(0)), review("b"))
    station.encode()
    station.publish(10)
    await arrive(
        station.engine,
        review("a", run="run-2", fetched_at=at(100)),
        kept("review/b", run="run-2"),
    )
    station.publish(200)
    assert station.seen() == (1, 10)
    assert station.freshness.of_run("run-2") is None


async def test_a_clock_that_is_ahead_gives_no_negative_times(station: Station) -> None:
    await arrive(station.engine, review("a", fetched_at=at(60)))
    station.encode()
    station.publish(10)
    assert station.seen() == (1, 0)
    assert station.freshness.of_run("run-1") == Times(median_s=0, max_s=0)


async def test_one_killed_after_publishing_notes_it_when_it_starts_again(station: Station) -> None:
    await arrive(station.engine, review("a", fetched_at=at(0)))
    station.encode()
    station.commit(station.begin(), 30)  # killed here, before the times are recorded
    again = Station(station.engine)
    again.freshness.note()
    assert again.seen() == (1, 30)
    again.freshness.note()
    third = Station(station.engine)
    third.freshness.note()
    assert third.seen() == (0, 0)
    assert third.freshness.of_run("run-1") == Times(median_s=30, max_s=30)


async def test_more_items_than_one_chunk_are_all_noted(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "CHUNK_ITEMS", 7)
    times = list(range(100, 0, -1))
    await arrive(
        station.engine,
        *(review(f"r{n}", fetched_at=at(-took)) for n, took in enumerate(times)),
    )
    station.encode()
    station.publish(0)
    assert station.seen() == (100, sum(times))
    assert station.freshness.of_run("run-1") == Times(median_s=50.5, max_s=100)
