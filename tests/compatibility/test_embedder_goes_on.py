"""The embedder goes on where c8131ff ended, and encodes nothing again."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from services.embedder.settings import EmbedderSettings
from shared.delivery import dead_letters
from shared.delivery.keys import EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.messages import (
    MovieMessage,
    ReviewMessage,
)
from shared.delivery.redis_client import Client
from shared.record import MOVIE_FIELDS, REVIEW_FACTS, validated_movie, validated_review
from shared.runs import activation_requests, registry
from shared.snapshot.storage.leases import leased
from shared.text.terms import VERSION
from tests.compatibility.comparing import (
    SNAPSHOTS,
    Recorded,
    rows_of,
)
from tests.support.embedder.arrivals import Sent, end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, new_run, send
from tests.support.waiting import async_wait_until


def vectors_in(rows: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[str, bytes]]:
    """Each review's vectors, and of which text they are."""
    return {
        row["review_id"]: (row["text_sha256"], row["vectors"]) for row in rows["review_vectors"]
    }


async def test_the_embedder_goes_on_where_the_earlier_version_ended(
    old_redis: Client, settings: EmbedderSettings, recorded: Recorded
) -> None:
    named, database = recorded["named"], settings.data_dir / "movies.sqlite"
    before = rows_of(database)
    encoder = HashEncoder()
    with structlog.testing.capture_logs() as logs:
        async with embedder(settings, encoder):
            run = await ended(old_redis, named["half stored"])
            archive = await async_wait_until(lambda: embedded(old_redis, named["half crawled"], 3))

    # Nothing is left: what was unread, what was pending here, and what another one had taken.
    assert await old_redis.xlen(REVIEWS_STREAM) == 0
    assert (await old_redis.xpending(REVIEWS_STREAM, EMBEDDER_GROUP))["pending"] == 0
    assert (run.state, run.stored, run.embedded, run.error) == ("searchable", 6, 6, None)
    assert (archive.state, archive.stored, archive.dead_lettered) == ("crawling", 3, 1)
    letter = (await dead_letters.list_letters(old_redis))[0]
    assert (letter.item_id, letter.deliveries) == ("archive:2", 6)

    # Only what had no vectors has been encoded.
    after = rows_of(database)
    texts = {row["review_id"]: row["text"] for row in after["reviews"]}
    new = {"club:1-3", "club:3-1", "club:5-1", "archive:1", "archive:3"}
    assert texts.keys() == {row["review_id"] for row in before["reviews"]} | new
    awaited = new | set(recorded["database"]["unencoded"])
    assert sorted(encoder.encoded) == sorted(texts[review] for review in awaited)
    kept = {name: found for name, found in vectors_in(before).items() if name not in awaited}
    assert kept.items() <= vectors_in(after).items()
    assert after["unencoded_reviews"] == []

    # What was asked for while nobody was there is done first; then the next snapshot is made of it.
    wanted = await activation_requests.get_activation(old_redis, named["queued activation"])
    assert wanted is not None
    older, newer = (recorded["snapshots"][name]["snapshot_id"] for name in SNAPSHOTS)
    assert (wanted.state, wanted.snapshot_id, wanted.replaced) == ("done", older, newer)
    assert older not in leased(settings.leases)
    published = [line for line in logs if line["event"] == "snapshot published"]
    # All of it is written once, because the terms of the lexical index are others now.
    assert [line["written"] == "all" for line in published] == [True] + [False] * len(published[1:])
    snapshot = current(settings)
    assert (snapshot.manifest.sequence > 3, snapshot.manifest.terms) == (True, VERSION)
    assert run.snapshot_id is not None
    assert snapshot.catalogue.counts()[:2] == (37, len(texts) - 1)  # one has no usable vectors
    assert snapshot.catalogue.movie("tt0034583") is None  # removed before
    for movie_id in ("club:3", "club:4", "club:5", "archive:a"):
        assert snapshot.catalogue.movie(movie_id) is not None, movie_id


async def ended(redis: Client, run_id: str) -> registry.Run:
    async def terminal() -> registry.Run | None:
        run = await registry.get_run(redis, run_id)
        return run if run is not None and registry.ended(run) else None

    found = await async_wait_until(terminal, what="the run has ended")
    assert found is not None
    return found


async def embedded(redis: Client, run_id: str, reviews: int) -> Any:
    run = await registry.get_run(redis, run_id)
    return run if run is not None and run.embedded == reviews else None


async def test_a_crawl_that_finds_the_same_stores_and_encodes_nothing_again(
    redis: Client, redis_url: str, data: Path, recorded: Recorded
) -> None:
    """Also on a new Redis server: a film or a review is known by what is stored of it."""
    rows = rows_of(data / "movies.sqlite")
    settings = EmbedderSettings(redis_url=redis_url, data_dir=data, publish_idle_s=0.1)
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        run = await new_run(redis, "club")
        items = [*map(partial(movie_of, run), rows["movies"])]
        items += map(partial(review_of, run), rows["reviews"])
        await send(redis, [*items, end(items, run=run.run_id, source="club")])
        found = await ended(redis, run.run_id)
    counts = recorded["database"]["rows"]
    assert (found.state, found.stored, found.duplicate) == ("searchable", 0, counts["reviews"])
    texts = {row["review_id"]: row["text"] for row in rows["reviews"]}
    unencoded = [texts[name] for name in recorded["database"]["unencoded"]]
    assert sorted(encoder.encoded) == sorted(unencoded)  # what embedders had claimed comes last
    films = {row["movie_id"]: row for row in rows_of(data / "movies.sqlite")["movies"]}
    assert {name: row["title"] for name, row in films.items()} == {
        row["movie_id"]: row["title"] for row in rows["movies"]
    }


def movie_of(run: registry.Run, row: dict[str, Any]) -> Sent:
    """The message that a row was made of."""
    facts = {field.name: row[field.name] for field in MOVIE_FIELDS if field.name in row}
    movie = validated_movie(
        facts | {name: tuple(json.loads(row[name])) for name in ("genres", "directors")}
    )
    return MovieMessage(run_id=run.run_id, source=run.source, movie=movie)


def review_of(run: registry.Run, row: dict[str, Any]) -> Sent:
    names = ("review_id", "movie_id", "text", *(field.name for field in REVIEW_FACTS))
    review = validated_review({name: row[name] for name in names})
    return ReviewMessage(run_id=run.run_id, source=run.source, review=review)
