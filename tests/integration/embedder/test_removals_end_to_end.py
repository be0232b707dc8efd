"""What is gone from its source leaves the searches, through the real loops, store and index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from shared.delivery.messages import EMBEDDER_GROUP, REVIEWS_STREAM, ledger_id
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.settings import Settings
from tests.support.embedder.arrivals import Sent, kept, movie, review
from tests.support.embedder.arrivals import end as run_end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600)


def films(*numbers: int, reviews: int = 2) -> list[Sent]:
    """Films of those numbers with their reviews, as a source shows them."""
    found: list[Sent] = []
    for number in numbers:
        film = f"tt{number}"
        found.append(movie(film))
        found += [
            review(f"{film}-{n}", film, text=f"About subject{number}, says viewer{n}.")
            for n in range(reviews)
        ]
    return found


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
    """A run that sends these items and keeps those named, to its end."""
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


def shown(settings: Settings) -> dict[str, int]:
    """Films of the current snapshot with their numbers of reviews."""
    catalogue = current(settings).catalogue
    found = catalogue.movies(range(catalogue.counts()[0]))
    return {film.movie_id: film.review_count for film in found}


def all_names(items: Sequence[Sent]) -> tuple[str, ...]:
    return tuple(ledger_id(item.kind, item.item_id) for item in items)


async def test_a_review_that_is_gone_is_not_in_the_runs_snapshot(
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2, 3)
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


async def test_a_film_without_reviews_is_not_in_the_next_snapshot(
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2, 3)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
        end = await crawl(redis, without(everything, "tt2", "tt2-0", "tt2-1"))
    assert (end.state, end.removed) == ("searchable", 2)
    assert shown(settings) == {"tt1": 2, "tt3": 2}


async def test_unchanged_pages_cost_no_encoding_and_no_snapshot(
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2)
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
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2)
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
    redis: Client, settings: Settings
) -> None:
    """Confirmed, it is published, although it is less than half of what is being served."""
    everything = films(1, 2, 3, 4, 5)
    async with embedder(settings, HashEncoder()):
        first = await crawl(redis, everything)
        refused = await crawl(redis, films(1))
        assert refused.state == "incomplete"
        assert refused.error is not None
        assert refused.error.startswith("8 of the 10 reviews and 4 of the 5 films")
        assert "allow_removals" in refused.error
        assert (refused.removed, refused.snapshot_id) == (0, first.snapshot_id)
        assert len(shown(settings)) == 5
        confirmed = await crawl(redis, films(1), allow_removals=True)
    assert (confirmed.state, confirmed.removed, confirmed.error) == ("searchable", 8, None)
    assert shown(settings) == {"tt1": 2}


async def test_a_run_whose_record_is_gone_has_no_permission(
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2, 3)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
    run = await new_run(redis, "site", allow_removals=True)
    await send_run(redis, run, films(1))
    await redis.delete(registry.run_key(run.run_id))
    async with embedder(settings, HashEncoder()):
        engine = open_engine(settings.database)

        async def settled() -> bool:
            return not Ledgers(engine).open_ledgers() and await redis.xlen(REVIEWS_STREAM) == 0

        await async_wait_until(settled)
        fault = Ledgers(engine).ledger(run.run_id).fault
        engine.dispose()
    assert fault is not None
    assert fault.startswith("4 of the 6 reviews")
    assert len(shown(settings)) == 3


async def test_nothing_is_removed_while_something_older_is_to_be_handled(
    redis: Client, settings: Settings
) -> None:
    """It may be that very review, from another source: then it is not gone."""
    everything = films(1, 2)
    async with embedder(settings, HashEncoder()) as _:
        await crawl(redis, everything)
        other = review("tt2-1", "tt2", run="other-1", source="other")
    # One consumer takes the first entry and dies with it.
    await send(redis, [other])
    taken = await redis.xreadgroup(EMBEDDER_GROUP, "another-host", {REVIEWS_STREAM: ">"})
    [(entry_id, _)] = taken[0][1]
    run = await new_run(redis, "site")
    await send_run(redis, run, without(everything, "tt2-1"))
    async with embedder(settings, HashEncoder()):
        engine = open_engine(settings.database)

        async def arrived() -> bool:
            """All that the embedder can get of the run, and two more reports about it."""
            if await redis.xlen(REVIEWS_STREAM) != 1:
                return False
            found = await registry.get_run(redis, run.run_id)
            return found is not None and found.duplicate == 3

        await async_wait_until(arrived)
        ledger = Ledgers(engine).ledger(run.run_id)
        assert ledger.balanced
        for _ in range(2):  # reports
            await redis.hset(registry.run_key(run.run_id), "duplicate", "0")
            await async_wait_until(arrived)
        assert Ledgers(engine).ledger(run.run_id).removed is None
        # Another consumer's claim, as after a minute.
        consumers = await redis.xinfo_consumers(REVIEWS_STREAM, EMBEDDER_GROUP)
        [mine] = [c["name"] for c in consumers if c["name"] != "another-host"]
        await redis.xclaim(REVIEWS_STREAM, EMBEDDER_GROUP, mine, 0, [entry_id])
        end = await ended(redis, run)
        engine.dispose()
    assert (end.state, end.removed) == ("searchable", 0)
    assert shown(settings) == {"tt1": 2, "tt2": 2}


async def test_a_lost_database_makes_a_run_of_unchanged_pages_incomplete(
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2)
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
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2)
    async with embedder(settings, HashEncoder()):
        first = await crawl(redis, everything)
        end = await crawl(redis, without(everything, "tt2-1"), complete=False)
    assert (end.state, end.removed, end.snapshot_id) == ("searchable", 0, first.snapshot_id)


async def test_two_sources_of_the_same_review_both_have_to_lose_it(
    redis: Client, settings: Settings
) -> None:
    everything = films(1, 2)
    async with embedder(settings, HashEncoder()):
        await crawl(redis, everything)
        await crawl(redis, films(2, 3), source="other")
        one = await crawl(redis, without(everything, "tt2-1"))
        assert (one.state, one.removed, shown(settings)["tt2"]) == ("searchable", 0, 2)
        both = await crawl(redis, without(films(2, 3), "tt2-1"), source="other")
    assert (both.state, both.removed) == ("searchable", 1)
    assert shown(settings) == {"tt1": 2, "tt2": 1, "tt3": 2}


async def test_a_run_tells_how_fresh_it_was(redis: Client, settings: Settings) -> None:
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
    redis: Client, settings: Settings
) -> None:
    """Removal works with the first complete crawl after the upgrade."""
    everything = films(1, 2)
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
