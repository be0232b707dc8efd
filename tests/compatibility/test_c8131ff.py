"""What commit c8131ff has written is read, and gone on from, by the present version.

The files in ``c8131ff/`` were made by that version (``make_c8131ff``). Whatever changes here, they
do not: whoever updates has a folder, a Redis server, a file of sources and an environment like
these.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis import Redis
from sqlmodel import SQLModel
from typer.testing import CliRunner

from services.cli import app
from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from services.embedder.model.conversion import ensure_artefact
from services.embedder.settings import EmbedderSettings
from services.ingest.demo_site import demo_server
from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import DatasetSource, find_source, load_sources
from services.ingest.visits.visits import fingerprint_of, open_visits
from services.ingest.visits.visits_file import finished_pages
from services.query.api.requests import SearchRequest
from services.query.settings import QuerySettings
from shared.delivery import dead_letters
from shared.delivery.keys import COMMANDS_STREAM, EMBEDDER_GROUP, INGEST_GROUP, REVIEWS_STREAM
from shared.delivery.messages import (
    IngestCommand,
    MovieMessage,
    ReviewMessage,
    parse,
)
from shared.delivery.redis_client import Client
from shared.encoder import GraphEncoder, artefact_folder
from shared.record import MOVIE_FIELDS, REVIEW_FACTS, validated_movie, validated_review
from shared.retrieval.query import RankedMovie
from shared.retrieval.searcher import Searcher
from shared.runs import activation_requests, registry
from shared.runs.activation_requests import Activation
from shared.settings import load_settings
from shared.snapshot.activation import activate
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.audit import audit
from shared.snapshot.storage.leases import leased
from shared.snapshot.storage.store import SnapshotStore
from shared.text.terms import VERSION
from tests.compatibility.loading import (
    FOLDER,
    load_redis,
    read_environment,
    read_expected,
    unpack,
)
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.supervision import supervising
from tests.support.crawl.watched_site import WatchedSite, edited, watched_site, with_reviews
from tests.support.embedder.arrivals import Sent, end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, new_run, send
from tests.support.embedder.stored import backlog
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.waiting import async_wait_until

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SNAPSHOTS = ("older", "newer")

Recorded = dict[str, Any]


@pytest.fixture(scope="session")
def recorded() -> Recorded:
    """What c8131ff said of its own files."""
    return read_expected()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder that c8131ff has left."""
    return unpack(tmp_path)


@pytest.fixture
def store(data: Path) -> SnapshotStore:
    return SnapshotStore(data / "snapshots")


@pytest.fixture
def old_redis(redis: Client, redis_url: str) -> Client:
    """A server with what c8131ff has left in its own."""
    with Redis.from_url(redis_url) as plain:
        load_redis(plain)
    return redis


@pytest.fixture
def settings(old_redis: Client, redis_url: str, data: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=data, publish_idle_s=0.5, publish_every_s=600
    )


@pytest.fixture
async def query(old_redis: Client, redis_url: str, data: Path) -> AsyncIterator[RunningQuery]:
    settings = query_settings(data, redis_url=redis_url, admin_token=TOKEN)
    async with serving(settings) as running:
        yield running


@asynccontextmanager
async def serving(settings: QuerySettings) -> AsyncIterator[RunningQuery]:
    async with running_query(settings, always(HashEncoder())) as running:
        await running.reload()
        yield running


async def ask(query: RunningQuery, path: str) -> Any:
    response = await query.client.get(path, headers=BEARER)
    assert response.status_code == 200, response.text
    return response.json()


def assert_resembles(found: object, before: object) -> None:
    """All that was there before is there; a later version may say more, and round otherwise."""
    if isinstance(before, dict):
        assert isinstance(found, dict)
        assert before.keys() <= found.keys()
        for name, value in before.items():
            assert_resembles(found[name], value)
    elif isinstance(before, list):
        assert isinstance(found, list)
        assert len(found) == len(before)
        for one, other in zip(found, before, strict=True):
            assert_resembles(one, other)
    elif isinstance(before, float):
        assert found == pytest.approx(before, rel=1e-5, abs=1e-5)
    else:
        assert found == before


# The embedder's database


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of a database, without any code of ours."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        name: [dict(row) for row in db.execute(f"SELECT * FROM {name} ORDER BY rowid")]  # noqa: S608
        for name in names
    }
    db.close()
    return found


def columns_of(path: Path) -> dict[str, set[str]]:
    db = sqlite3.connect(path)
    found = {
        table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    }
    db.close()
    return found


def test_the_database_is_brought_up_to_date_and_keeps_every_row(
    data: Path, recorded: Recorded
) -> None:
    path = data / "movies.sqlite"
    before = rows_of(path)
    assert {name: len(rows) for name, rows in before.items()} == recorded["database"]["rows"]
    open_engine(f"sqlite:///{path}").dispose()
    after = rows_of(path)
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert kept == rows, table
    columns = columns_of(path)
    for ours in SQLModel.metadata.sorted_tables:
        assert set(ours.columns.keys()) <= columns[ours.name], ours.name


def test_its_vectors_its_ledgers_and_its_snapshots_are_read(data: Path, recorded: Recorded) -> None:
    engine = open_engine(f"sqlite:///{data / 'movies.sqlite'}")
    encoder_id = HashEncoder().spec.encoder_id
    assert encoder_id == recorded["encoder_id"]  # else everything would be encoded again
    WorkList(engine, encoder_id)
    assert sorted(item.review_id for item in backlog(engine)) == recorded["database"]["unencoded"]
    named = recorded["named"]
    ledgers = {ledger.run_id: ledger for ledger in Ledgers(engine).open_ledgers()}
    assert set(ledgers) == set(recorded["database"]["open_runs"])
    half = ledgers[named["half stored"]]
    assert (half.source, half.stored, half.items, half.expected) == ("club", 3, 3, None)
    assert Ledgers(engine).unencoded(half.run_id) == 2
    refused = Ledgers(engine).ledger(named["guarded"])
    assert (refused.removed, refused.complete, refused.balanced) == (0, True, True)
    assert "more than half" in (refused.fault or "")
    assert Ledgers(engine).ledger(named["short"]).shortfall == "5 items were sent, 4 arrived"
    records = SnapshotRecords(engine, encoder_id)
    published = records.last_published()
    assert published is not None
    assert [published.sequence, published.snapshot_id] == recorded["database"]["published"][1][:2]
    assert records.changed_since_published()
    assert records.begin(1) == 4  # after the one that was begun and never published
    engine.dispose()


# The embedder goes on


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
    assert encoder.encoded == [texts[name] for name in recorded["database"]["unencoded"]]
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


# Snapshots


def hit_as_recorded(hit: RankedMovie) -> Recorded:
    """A hit of the searcher as far as the API says the same of it."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "movie": {"movie_id": hit.movie.movie_id, "year": hit.movie.year, "url": hit.movie.url},
        "evidence": [
            {"review_id": one.passage.review_id, "text": one.passage.text, "score": one.score}
            for one in hit.evidence
        ],
        "parts": hit.parts._asdict(),
    }


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_opens_in_the_reader_and_finds_the_same(
    store: SnapshotStore, recorded: Recorded, name: str
) -> None:
    before = recorded["snapshots"][name]
    snapshot = open_snapshot(store, before["snapshot_id"])
    assert snapshot.manifest.counts.model_dump() == before["counts"]
    assert {checked.fault for checked in audit(store, before["snapshot_id"])} == {None}
    searcher = Searcher(snapshot)
    encoder = HashEncoder()
    for one in before["searches"]:
        query = SearchRequest.model_validate(one["request"]).to_query()
        answer = searcher.search(query.with_vectors(encoder.encode_queries(query.texts())))
        assert answer.matched == one["answer"]["matched"]
        assert len(answer.hits) == len(one["answer"]["hits"])
        for hit, other in zip(answer.hits, one["answer"]["hits"], strict=True):
            assert_resembles(other, hit_as_recorded(hit))
    snapshot.catalogue.close()


async def assert_served(query: RunningQuery, before: Recorded) -> None:
    """The service answers everything as the earlier one did over this snapshot."""
    assert (await ask(query, "/snapshot"))["snapshot_id"] == before["snapshot_id"]
    for one in before["searches"]:
        # The earlier version interpreted nothing.
        asked = {**one["request"], "interpret": False}
        response = await query.client.post("/search", json=asked)
        assert response.status_code == 200, response.text
        assert_resembles(response.json(), one["answer"])
    assert_resembles(await ask(query, f"/movies/{before['film']['movie_id']}"), before["film"])
    assert_resembles(await ask(query, "/facets"), before["facets"])
    assert_resembles(await ask(query, "/map"), before["map"])


async def test_the_query_service_serves_them_and_rolls_back(
    data: Path, store: SnapshotStore, recorded: Recorded
) -> None:
    older, newer = (recorded["snapshots"][name] for name in SNAPSHOTS)
    async with serving(query_settings(data)) as query:
        await assert_served(query, newer)
        for before in (older, newer):
            activate(store, before["snapshot_id"], encoder_id=recorded["encoder_id"])
            await query.reload()
            await assert_served(query, before)


async def test_the_admin_api_lists_them_with_what_is_wanted_of_them(
    query: RunningQuery, recorded: Recorded
) -> None:
    older, newer = (recorded["snapshots"][name] for name in SNAPSHOTS)
    listed = await ask(query, "/admin/snapshots")
    assert (listed["current"], listed["served"]) == (newer["snapshot_id"],) * 2
    assert [one["snapshot_id"] for one in listed["snapshots"]] == [
        newer["snapshot_id"],
        older["snapshot_id"],
    ]
    assert [one["problem"] for one in listed["snapshots"]] == [None, None]
    for name, state in (("queued activation", "queued"), ("refused activation", "refused")):
        found = await ask(query, f"/admin/snapshots/activations/{recorded['named'][name]}")
        assert Activation.model_validate(found).state == state


def test_an_encoder_artefact_is_used_as_it_is(
    data: Path, store: SnapshotStore, recorded: Recorded
) -> None:
    before = recorded["artefact"]
    folder = artefact_folder(store.root, before["encoder_id"])
    files = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    spec = ensure_artefact(
        store.root,
        model=str(data.parent / "tiny-model"),
        passage_tokens=before["passage_tokens"],
    )
    assert spec.encoder_id == before["encoder_id"]  # not converted again, nor all encoded again
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == files
    encoder = GraphEncoder(folder, encoder_id=spec.encoder_id, precision="f32")
    assert encoder.count_tokens(before["texts"]) == before["tokens"]
    for encode, name in (
        (encoder.encode_queries, "queries"),
        (encoder.encode_passages, "passages"),
    ):
        assert encode(before["texts"]).tolist() == [
            pytest.approx(vector, abs=1e-4) for vector in before[name]
        ], name


# Redis


async def test_what_is_pending_is_as_it_was(old_redis: Client) -> None:
    """Of the loader: what the tests above go on from is what the dump says."""
    rows = await old_redis.xpending_range(REVIEWS_STREAM, EMBEDDER_GROUP, "-", "+", 100)
    assert [(row["consumer"], row["times_delivered"]) for row in rows] == [
        ("embedder-1", 1), ("embedder-1", 1), ("embedder-1", 3), ("embedder-2", 1),
        ("embedder-2", 6),
    ]  # fmt: skip
    assert min(row["time_since_delivered"] for row in rows) >= 3600_000
    [group] = await old_redis.xinfo_groups(REVIEWS_STREAM)
    unread = await old_redis.xlen(REVIEWS_STREAM) - len(rows)
    assert (group["pending"], unread) == (5, 4)


async def test_the_records_of_the_runs_are_read(
    old_redis: Client, query: RunningQuery, recorded: Recorded
) -> None:
    found = await registry.list_runs(old_redis, limit=200)
    assert_resembles([run.model_dump(mode="json") for run in found], recorded["runs"])
    answered = await ask(query, "/admin/ingest?limit=200")
    assert_resembles(answered["runs"], recorded["runs"])
    states = {run["state"] for run in answered["runs"]}
    assert states == {
        "queued", "crawling", "embedding", "searchable", "incomplete", "failed", "cancelled",
    }  # fmt: skip
    named = recorded["named"]
    assert [run.run_id for run in await registry.active_runs(old_redis)] == [
        named["half crawled"],
        named["half stored"],
        named["queued"],
    ]
    last = await registry.last_ended_run(old_redis, "demo")
    assert last is not None
    assert (last.run_id, last.is_baseline) == (named["second crawl"], True)
    assert await registry.last_requested(old_redis, "later") is not None
    sources = (await ask(query, "/admin/sources"))["sources"]
    assert {one["source"]: (one["last_run"] or {}).get("run_id") for one in sources}["club"] == (
        named["half stored"]
    )


async def test_a_request_that_was_answered_before_is_not_recorded_again(
    query: RunningQuery, old_redis: Client, recorded: Recorded
) -> None:
    headers = {**BEARER, "Idempotency-Key": "8e03978e-40d5"}
    again = await query.client.post("/admin/ingest", json={"source": "later"}, headers=headers)
    assert (again.status_code, again.json()["run_id"]) == (202, recorded["named"]["queued"])
    busy = await query.client.post("/admin/ingest", json={"source": "archive"}, headers=BEARER)
    assert (busy.status_code, busy.json()["run_id"]) == (409, recorded["named"]["half crawled"])
    assert await old_redis.xlen(COMMANDS_STREAM) == 1


async def test_a_queued_run_is_crawled_and_a_leased_one_is_left_alone(
    old_redis: Client,
    redis_url: str,
    tmp_path: Path,
    recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [[_, [[_, fields]]]] = await old_redis.xreadgroup(
        INGEST_GROUP, "old-host", {COMMANDS_STREAM: ">"}
    )
    queued = recorded["named"]["queued"]
    assert parse(fields) == IngestCommand(run_id=queued, source="later")
    (tmp_path / "movies.jsonl").write_text('{"movie_id": "later:1", "title": "Later"}\n')
    (tmp_path / "reviews.jsonl").write_text('{"movie_id": "later:1", "text": "Late, but good."}\n')
    (tmp_path / "sources.toml").write_text(
        "".join(
            f'[sources.{name}]\nspider = "dataset"\nmovies = "movies.jsonl"\n'
            'reviews = "reviews.jsonl"\n'
            for name in ("later", "archive", "club")
        )
    )
    for name, value in {
        "SOURCES": tmp_path / "sources.toml",
        "DATA_DIR": tmp_path / "ingest-host",
        "REDIS_URL": redis_url,
    }.items():
        monkeypatch.setenv(f"MOVIE_SEARCH_{name}", str(value))
    async with supervising(old_redis):

        async def crawled() -> bool:
            run = await registry.get_run(old_redis, queued)
            return run is not None and run.state == "embedding"

        await async_wait_until(crawled)
    run = await registry.get_run(old_redis, queued)
    assert run is not None
    assert (run.crawled, run.trigger, run.allow_removals) == (1, "schedule", True)


async def test_a_lease_of_the_earlier_version_holds(old_redis: Client, recorded: Recorded) -> None:
    run_id = recorded["named"]["half crawled"]
    assert not await registry.take_lease(old_redis, run_id, "another", lease_ms=1000)
    assert await registry.take_lease(old_redis, run_id, "old-host-00000001", lease_ms=1000)
    for key in ("heartbeat:embedder", "heartbeat:embedder:old-host", "heartbeat:ingest:old-host"):
        assert await old_redis.exists(key)


async def test_dead_letters_are_listed_and_replayed(
    old_redis: Client, query: RunningQuery, settings: EmbedderSettings, recorded: Recorded
) -> None:
    page = await ask(query, "/admin/dead-letters")
    assert page["total"] == len(recorded["dead_letters"]) == 6
    answered = [{**one, "died_at": ""} for one in page["dead_letters"]]
    assert_resembles(answered, [{**one, "died_at": ""} for one in recorded["dead_letters"]])
    response = await query.client.post(
        "/admin/dead-letters/replay", json={"all": True}, headers=BEARER
    )
    assert response.status_code == 200, response.text
    assert response.json()["replayed"] == 4
    assert [one["id"] for one in response.json()["refused"]] == [
        one["id"] for one in reversed(recorded["dead_letters"]) if not one["replayable"]
    ]
    async with embedder(settings, HashEncoder()):

        async def stored() -> bool:
            names = {
                row["review_id"] for row in rows_of(settings.data_dir / "movies.sqlite")["reviews"]
            }
            return {"archive:8", "archive:9"} <= names and not await old_redis.xlen(REVIEWS_STREAM)

        await async_wait_until(stored)
    left = {one.item_id: one.replays for one in await dead_letters.list_letters(old_redis)}
    # What cannot be read has come back, with one replay more; what was cut off has stayed.
    assert left == {"wire:1-9": 1, "x": 1, "": 0, "archive:7": 0, "archive:2": 0}


# What ingest remembers


def films_of_the_second_crawl(recorded: Recorded) -> DemoCatalogue:
    """The site as c8131ff crawled it last: one film edited, one gone, one new."""
    films = load_catalogue()[: recorded["films"] + 1]
    film = films[2]
    text = "Seen again after ten years, by the sea, and it is a far better film than I knew."
    reviews = [film.reviews[0].model_copy(update={"text": text}), *film.reviews[1:]]
    films = edited(films, 2, lambda one: with_reviews(one, reviews))
    return (*films[:7], *films[8:])


@pytest.fixture
def site(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedSite]:
    """The crawled site, where it was: the visits know its pages by their addresses."""
    bind: Callable[[str, int], Any] = demo_server._bind
    monkeypatch.setattr(demo_server, "_bind", lambda host, _: bind(host, recorded["site_port"]))
    with watched_site(films_of_the_second_crawl(recorded)) as site:
        assert site.url.endswith(f":{recorded['site_port']}"), "another program has the site's port"
        yield site


async def test_a_crawl_reads_every_page_once_more_and_then_none(
    old_redis: Client, redis_url: str, data: Path, site: WatchedSite, recorded: Recorded
) -> None:
    """Pages yield more facts than before, so what was read under the earlier version is too old."""
    await old_redis.delete(REVIEWS_STREAM)
    crawls = Crawls(old_redis, redis_url, data.parent, site.url)
    run = await crawls.request("demo")
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    assert site.pages_asked(304) == []
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=True)
    assert sent.kinds == {
        "movie": recorded["films"], "review": recorded["films"] * 5, "run_end": 1
    }  # fmt: skip
    await crawls.settle(run)
    await old_redis.delete(REVIEWS_STREAM)
    site.asked.clear()
    again = await crawls.request("demo")
    outcome = await crawls.crawl(again)
    assert outcome.error is None, crawls.errors.decode()
    assert site.pages_asked(200) == []
    sent = await crawls.sent(again)
    assert sent.kinds == {"kept": 1, "run_end": 1}


def test_the_visits_are_read(data: Path, recorded: Recorded) -> None:
    folder = data / "ingest" / "demo"
    last = recorded["named"]["second crawl"]
    assert finished_pages(folder, last) == recorded["visits"]["of_the_last_run"]
    address = f"http://127.0.0.1:{recorded['site_port']}"
    source = find_source(load_sources(IngestSettings(), demo_url=address), "demo")
    before = recorded["visits"]["about"]["fingerprint"]
    assert json.loads(fingerprint_of(source))[1] == json.loads(before)[1]
    visits = open_visits(folder, "the-next-run", baseline=last, fingerprint=before)
    movie_url = f"{address}/films/{load_catalogue()[0].movie_id}"
    visit = visits.baseline_visit(movie_url)
    assert visit is not None
    assert f"movie/{load_catalogue()[0].movie_id}" in visit.items
    assert visits.had_reviews(movie_url)
    visits.close()


# Configuration


def test_every_source_loads_as_before(recorded: Recorded) -> None:
    sources = load_sources(IngestSettings(sources=FOLDER / "sources.toml"))
    assert set(sources) == set(recorded["sources"]) == {"demo", "my_site", "imdb", "my_films"}
    for name, before in recorded["sources"].items():
        fields = sources[name].model_dump(mode="json")
        if isinstance(sources[name], DatasetSource):
            for key in ("movies", "reviews"):
                assert fields[key] == str(FOLDER / before["fields"][key])
                fields[key] = before["fields"][key]
        else:  # pages are read again because more is read of them, not because of the source
            fingerprint = fingerprint_of(sources[name])
            assert json.loads(fingerprint)[1] == json.loads(before["fingerprint"])[1]
        assert_resembles(fields, before["fields"])


def test_every_setting_loads_as_before(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in read_environment().items():
        monkeypatch.setenv(name, value)
    services = [load_settings(kind) for kind in (IngestSettings, EmbedderSettings, QuerySettings)]
    fields: dict[str, Any] = {}
    for settings in services:
        fields |= settings.model_dump(mode="json")
    assert_resembles(fields, recorded["settings"]["fields"])
    for name, value in recorded["settings"]["derived"].items():
        settings = next(settings for settings in services if hasattr(settings, name))
        assert str(getattr(settings, name)) == value, name


def test_the_secrets_are_read_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read_environment()
    for name in ("ADMIN_TOKEN_FILE", "REDIS_PASSWORD_FILE"):
        (tmp_path / name).write_text(f"{name.lower()}-of-the-earlier-version/1\n")
        environment[f"MOVIE_SEARCH_{name}"] = str(tmp_path / name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(QuerySettings)
    assert settings.read_admin_token() == b"admin_token_file-of-the-earlier-version/1"
    assert settings.read_redis_url() == (
        "rediss://searcher:redis_password_file-of-the-earlier-version%2F1@redis.example:6380/2"
    )
    monkeypatch.delenv("MOVIE_SEARCH_ADMIN_TOKEN_FILE")
    assert load_settings(QuerySettings).read_admin_token() == TOKEN.encode()


async def test_the_command_asks_where_the_environment_says(data: Path, recorded: Recorded) -> None:
    assert "MOVIE_SEARCH_URL" in read_environment()
    async with serving(query_settings(data)) as query:
        environment = {"MOVIE_SEARCH_URL": f"http://{query.host}:{query.port}"}
        answer = await asyncio.to_thread(
            CliRunner().invoke, app, ["search", "the sea", "--json"], env=environment
        )
    assert answer.exit_code == 0, answer.output
    assert recorded["snapshots"]["newer"]["snapshot_id"] in answer.output
