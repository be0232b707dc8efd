"""Items that are gone from their source leave the searches, with the real loops and files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import EMBEDDER_GROUP, REVIEWS_STREAM, run_key
from shared.delivery.messages import ledger_id
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.embedder.arrivals import Sent, kept, movie, review
from tests.support.embedder.arrivals import end as run_end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )


def movies(*numbers: int, reviews: int = 2) -> list[Sent]:
    """Movies of those numbers with their reviews, as a source shows them."""
    items: list[Sent] = []
    for number in numbers:
        movie_id = f"tt{number}"
        items.append(movie(movie_id))
        items += [
            review(f"{movie_id}-{n}", movie_id, text=f"About subject{number}, says viewer{n}.")
            for n in range(reviews)
        ]
    return items


def without(items: Sequence[Sent], *names: str) -> list[Sent]:
    return [item for item in items if item.item_id not in names]


async def crawl(
    redis: Client,
    items: Sequence[Sent],
    *,
    names: tuple[str, ...] = (),
    complete: bool = True,
    allow_removals: bool = False,
    source: str = "site",
) -> Run:
    """Run a crawl that sends these items and names the kept ones; returns its final record."""
    run = await new_run(redis, source, allow_removals=allow_removals)
    await send_run(redis, run, items, names=names, complete=complete)
    return await ended(redis, run)


async def send_run(
    redis: Client,
    run: Run,
    items: Sequence[Sent],
    *,
    names: tuple[str, ...] = (),
    complete: bool = True,
) -> None:
    whose = {"run_id": run.run_id, "source": run.source}
    sent = [item.model_copy(update=whose) for item in items]
    named = [kept(*names, run=run.run_id, source=run.source)] if names else []
    ending = run_end(sent, kept=names, run=run.run_id, source=run.source, complete=complete)
    await send(redis, [*sent, *named, ending])


def shown(settings: EmbedderSettings) -> dict[str, int]:
    """The movies of the current snapshot with their numbers of reviews."""
    catalogue = current(settings).catalogue
    movies = catalogue.movies(range(catalogue.counts()[0]))
    return {movie.movie_id: movie.review_count for movie in movies}


def all_names(items: Sequence[Sent]) -> tuple[str, ...]:
    return tuple(ledger_id(item.kind, item.item_id) for item in items)


async def test_a_review_that_is_gone_is_not_in_the_runs_snapshot(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2, 3)
    async with embedder(settings, HashEncoder()):
        first = await crawl(redis, everything)
        assert shown(settings) == {"tt1": 2, "tt2": 2, "tt3": 2}
        second = await crawl(redis, without(everything, "tt2-1"))
        assert second.snapshot_id == current(settings).snapshot_id
    assert (second.state, second.removed, second.stored, second.duplicate) == (
        "searchable", 1, 0, 5
    )  # fmt: skip
    assert second.snapshot_id != first.snapshot_id
    assert shown(settings) == {"tt1": 2, "tt2": 1, "tt3": 2}


async def test_a_movie_without_reviews_is_not_in_the_next_snapshot(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2, 3)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
        end = await crawl(redis, without(everything, "tt2", "tt2-0", "tt2-1"))
    assert (end.state, end.removed) == ("searchable", 2)
    assert shown(settings) == {"tt1": 2, "tt3": 2}


async def test_unchanged_pages_cost_no_encoding_and_no_snapshot(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2)
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        first = await crawl(redis, everything)
        encoder.encoded.clear()
        second = await crawl(redis, [], names=all_names(everything))
    assert (second.state, second.kept, second.removed, second.stored) == ("searchable", 4, 0, 0)
    assert second.snapshot_id == first.snapshot_id
    assert encoder.encoded == []
    assert shown(settings) == {"tt1": 2, "tt2": 2}


async def test_an_edited_review_replaces_its_vector_and_the_rest_is_kept(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2)
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        await crawl(redis, everything)
        encoder.encoded.clear()
        edited = review("tt1-0", "tt1", text="Otherwise now.")
        names = all_names(without(everything, "tt1-0"))
        end = await crawl(redis, [edited], names=names)
    assert (end.state, end.stored, end.kept, end.removed) == ("searchable", 1, 3, 0)
    assert encoder.encoded == ["Otherwise now."]


async def test_more_than_half_goes_only_with_an_operators_word(
    redis: Client, settings: EmbedderSettings
) -> None:
    """A confirmed removal is published, although it leaves less than half of the movies."""
    everything = movies(1, 2, 3, 4, 5)
    async with embedder(settings, HashEncoder()):
        first = await crawl(redis, everything)
        refused = await crawl(redis, movies(1))
        assert refused.state == "incomplete"
        assert refused.error is not None
        assert refused.error.startswith("8 of the 10 reviews and 4 of the 5 movies")
        assert "allow_removals" in refused.error
        assert (refused.removed, refused.snapshot_id) == (0, first.snapshot_id)
        assert len(shown(settings)) == 5
        confirmed = await crawl(redis, movies(1), allow_removals=True)
    assert (confirmed.state, confirmed.removed, confirmed.error) == ("searchable", 8, None)
    assert shown(settings) == {"tt1": 2}


async def test_a_run_whose_record_is_gone_has_no_permission(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2, 3)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
    run = await new_run(redis, "site", allow_removals=True)
    await send_run(redis, run, movies(1))
    await redis.delete(run_key(run.run_id))
    async with embedder(settings, HashEncoder()):
        engine = open_engine(settings.database)

        async def closed() -> bool:
            return not Ledgers(engine).open_ledgers() and await redis.xlen(REVIEWS_STREAM) == 0

        await async_wait_until(closed)
        fault = Ledgers(engine).ledger(run.run_id).fault
        engine.dispose()
    assert fault is not None
    assert fault.startswith("4 of the 6 reviews")
    assert len(shown(settings)) == 3


async def test_nothing_is_removed_while_something_older_is_to_be_handled(
    redis: Client, settings: EmbedderSettings
) -> None:
    """The older entry may be the same review from another source: then it is not gone."""
    everything = movies(1, 2)
    async with embedder(settings, HashEncoder()) as _:
        await crawl(redis, everything)
        other = review("tt2-1", "tt2", run="other-1", source="other")
    # One consumer takes the first entry and dies before it is handled.
    await send(redis, [other])
    taken = await redis.xreadgroup(EMBEDDER_GROUP, "another-host", {REVIEWS_STREAM: ">"})
    [(entry_id, _)] = taken[0][1]
    run = await new_run(redis, "site")
    await send_run(redis, run, without(everything, "tt2-1"))
    async with embedder(settings, HashEncoder()):
        engine = open_engine(settings.database)

        async def arrived() -> bool:
            """Whether the embedder has stored all it can get of the run, and has reported it."""
            if await redis.xlen(REVIEWS_STREAM) != 1:
                return False
            record = await registry.get_run(redis, run.run_id)
            return record is not None and record.duplicate == 3

        await async_wait_until(arrived)
        ledger = Ledgers(engine).ledger(run.run_id)
        assert ledger.balanced
        for _ in range(2):  # reports
            await redis.hset(run_key(run.run_id), "duplicate", "0")
            await async_wait_until(arrived)
        assert Ledgers(engine).ledger(run.run_id).removed is None
        # Another consumer claims the entry, as happens after a minute.
        consumers = await redis.xinfo_consumers(REVIEWS_STREAM, EMBEDDER_GROUP)
        [mine] = [c["name"] for c in consumers if c["name"] != "another-host"]
        await redis.xclaim(REVIEWS_STREAM, EMBEDDER_GROUP, mine, 0, [entry_id])
        end = await ended(redis, run)
        engine.dispose()
    assert (end.state, end.removed) == ("searchable", 0)
    assert shown(settings) == {"tt1": 2, "tt2": 2}


async def test_a_lost_database_makes_a_run_of_unchanged_pages_incomplete(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
    for path in settings.data_dir.glob("movies.sqlite*"):
        path.unlink()
    async with embedder(settings, HashEncoder()):
        edited = review("tt1-0", "tt1", text="Otherwise now.")
        names = all_names(without(everything, "tt1-0"))
        end = await crawl(redis, [edited], names=names)
        assert end.state == "incomplete"
        assert end.error is not None
        assert end.error.startswith("3 of 3 reviews on unchanged pages are not in the database")
        assert not end.is_baseline
        full = await crawl(redis, everything)
    assert (full.state, full.removed) == ("searchable", 0)
    assert shown(settings) == {"tt1": 2, "tt2": 2}


async def test_a_run_that_did_not_see_everything_removes_nothing(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2)
    async with embedder(settings, HashEncoder()):
        first = await crawl(redis, everything)
        end = await crawl(redis, without(everything, "tt2-1"), complete=False)
    assert (end.state, end.removed, end.snapshot_id) == ("searchable", 0, first.snapshot_id)


async def test_two_sources_of_the_same_review_both_have_to_lose_it(
    redis: Client, settings: EmbedderSettings
) -> None:
    everything = movies(1, 2)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
        await crawl(redis, movies(2, 3), source="other")
        one = await crawl(redis, without(everything, "tt2-1"))
        assert (one.state, one.removed, shown(settings)["tt2"]) == ("searchable", 0, 2)
        both = await crawl(redis, without(movies(2, 3), "tt2-1"), source="other")
    assert (both.state, both.removed) == ("searchable", 1)
    assert shown(settings) == {"tt1": 2, "tt2": 1, "tt3": 2}


async def test_a_run_tells_how_fresh_it_was(redis: Client, settings: EmbedderSettings) -> None:
    fetched = datetime.now(UTC) - timedelta(hours=1)
    items = [review(f"tt1-{n}", "tt1", fetched_at=fetched + timedelta(minutes=n)) for n in range(3)]
    async with embedder(settings, HashEncoder()):
        end = await crawl(redis, items)
    assert end.freshness_median_s is not None
    assert end.freshness_max_s is not None
    now = datetime.now(UTC)
    assert 3600 < end.freshness_max_s < (now - fetched).total_seconds()
    assert end.freshness_max_s - end.freshness_median_s == pytest.approx(60, abs=0.01)


async def test_the_first_version_s_database_learns_what_its_sources_have(
    redis: Client, settings: EmbedderSettings
) -> None:
    """Removal works from the first complete crawl after the upgrade on."""
    everything = movies(1, 2)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
    plain = create_engine(settings.database)
    with plain.begin() as connection:
        for table in ("source_items", "removed_movies", "unencoded_reviews"):
            connection.execute(text(f"DROP TABLE {table}"))
    plain.dispose()
    async with embedder(settings, HashEncoder()):
        end = await crawl(redis, without(everything, "tt2-1"))
    assert (end.state, end.removed) == ("searchable", 1)
    assert shown(settings) == {"tt1": 2, "tt2": 1}
