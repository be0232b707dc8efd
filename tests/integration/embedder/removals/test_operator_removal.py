"""What an operator removes is gone from the next snapshot, and no crawl brings it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from services.embedder.database.engine import reading
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.settings import EmbedderSettings
from services.embedder.settling.operator_removal import OperatorRemovals, RemovalImpossible
from services.embedder.settling.removal import Removals
from shared.delivery.redis_client import Client
from shared.runs import registry, removal_requests
from shared.runs.removal_requests import Kind, Removal
from tests.support.embedder.arrivals import Sent, arrive, end, kept, movie, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until

SITE: list[Sent] = [
    movie("tt1"), review("a", "tt1"), review("b", "tt1"),
    movie("tt2"), review("c", "tt2"),
]  # fmt: skip
CLUB: list[Sent] = [
    movie("tt2", run="club-1", source="club"),
    review("imdb:rw12345", "tt2", run="club-1", source="club"),
    movie("tt3", run="club-1", source="club"),
    review("club:1", "tt3", run="club-1", source="club"),
]


def ids(engine: Engine, table: str, column: str) -> list[str]:
    rows = SQLModel.metadata.tables[table]
    with reading(engine) as connection:
        return list(connection.execute(select(rows.c[column]).order_by(rows.c[column])).scalars())


async def crawl_again(engine: Engine, *sent: Sent, names: tuple[str, ...] = ()) -> None:
    source = sent[0].source
    run = f"again-{source}"
    items = [item.model_copy(update={"run_id": run}) for item in sent]
    named = [kept(*names, run=run, source=source)] if names else []
    await arrive(
        engine, *items, *named, end(items, kept=names, run=run, source=source, complete=True)
    )
    ledger = Removals(engine).decide(run, allowed=False)
    assert (ledger.balanced, ledger.fault) == (True, None)


@pytest.mark.parametrize(
    ("kind", "name", "movies", "reviews"),
    [
        ("review", "a", ["tt1", "tt2", "tt3"], ["b", "c", "club:1", "imdb:rw12345"]),
        ("movie", "tt1", ["tt2", "tt3"], ["c", "club:1", "imdb:rw12345"]),
        ("movie", "tt2", ["tt1", "tt3"], ["a", "b", "club:1"]),
        ("source", "site", ["tt2", "tt3"], ["club:1", "imdb:rw12345"]),
        ("source", "club", ["tt1", "tt2"], ["a", "b", "c"]),
    ],
)
async def test_it_is_gone_and_a_crawl_does_not_bring_it_back_unless_allowed(
    engine: Engine, kind: Kind, name: str, movies: list[str], reviews: list[str]
) -> None:
    await arrive(engine, *SITE, *CLUB)
    before = SnapshotRecords(engine, "encoder").newest_revision()
    removals = OperatorRemovals(engine)
    removed = removals.remove(kind, name)
    assert removed.reviews == 5 - len(reviews)
    assert removed.movies == 3 - len(movies)
    for _ in range(2):
        assert ids(engine, "movies", "movie_id") == movies
        assert ids(engine, "reviews", "review_id") == reviews
        assert ids(engine, "run_items", "run_id").count("removal") == 0
        assert SnapshotRecords(engine, "encoder").newest_revision() > before
        assert removals.remove(kind, name).reviews == 0
        await crawl_again(engine, *SITE)
        await crawl_again(engine, *CLUB)
    removals.allow(kind, name)
    for run, messages in (("third-site", SITE), ("third-club", CLUB)):
        await arrive(engine, *(item.model_copy(update={"run_id": run}) for item in messages))
    assert ids(engine, "movies", "movie_id") == ["tt1", "tt2", "tt3"]
    assert ids(engine, "reviews", "review_id") == ["a", "b", "c", "club:1", "imdb:rw12345"]
    with pytest.raises(RemovalImpossible, match="was not removed"):
        removals.allow(kind, name)


async def test_unchanged_pages_that_name_it_are_no_sign_of_a_lost_database(engine: Engine) -> None:
    await arrive(engine, *SITE, *CLUB)
    OperatorRemovals(engine).remove("movie", "tt1")
    names = tuple(f"{item.kind}/{item.item_id}" for item in SITE[:3])
    await crawl_again(engine, *SITE[3:], names=names)
    assert ids(engine, "movies", "movie_id") == ["tt2", "tt3"]


async def test_what_there_is_not_and_the_last_content_are_refused(engine: Engine) -> None:
    await arrive(engine, *SITE)
    removals = OperatorRemovals(engine)
    with pytest.raises(RemovalImpossible, match="there is no movie tt9"):
        removals.remove("movie", "tt9")
    with pytest.raises(RemovalImpossible, match="nothing to search"):
        removals.remove("source", "site")
    assert len(ids(engine, "reviews", "review_id")) == 3
    assert ids(engine, "withheld_items", "name") == []


async def test_the_next_snapshot_does_not_have_it(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    settings = EmbedderSettings(redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1)
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis, "site")
        items = [item.model_copy(update={"run_id": run.run_id}) for item in SITE]
        await send(redis, [*items, end(items, run=run.run_id, source="site")])
        assert (await ended(redis, run)).state == "searchable"
        assert current(settings).catalogue.movie("tt1") is not None
        wanted = removal_requests.new_removal("movie", "tt1", allow=False)
        refused = removal_requests.new_removal("movie", "tt9", allow=False)
        for request in (refused, wanted):
            await removal_requests.record_removal(redis, request)

        async def carried_out() -> Removal | None:
            found = await removal_requests.get_removal(redis, wanted.removal_id)
            return found if found is not None and found.state != "queued" else None

        done = await async_wait_until(carried_out, what="the removal was carried out")
        assert done is not None
        assert (done.state, done.reviews, done.movies) == ("done", 2, 1)
        other = await removal_requests.get_removal(redis, refused.removal_id)
        assert other is not None
        assert (other.state, other.reason) == ("refused", "there is no movie tt9")

        async def is_gone() -> bool:
            return current(settings).catalogue.movie("tt1") is None

        await async_wait_until(is_gone, what="a snapshot without the movie")
        assert await registry.orphaned_sources(redis) == set()  # not known what is configured
        await registry.publish_sources(redis, ["another"])

        async def is_orphaned() -> bool:
            return await registry.orphaned_sources(redis) == {"site"}

        await async_wait_until(is_orphaned, what="the source is known as orphaned")
        assert current(settings).catalogue.movie("tt2") is not None
