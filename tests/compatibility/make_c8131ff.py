"""Make the files in ``tests/compatibility/c8131ff`` with the program as it was at commit c8131ff.

It must be run in a checkout of that commit, whose modules it drives: the real crawl, the real
embedder loops, the real publisher, query service and Redis server. Only the encoder is the one that
the tests use, so that the vectors stay small; an artefact of a tiny model lies beside it::

    git worktree add ../old c8131ff
    cd ../old
    PYTHONPATH=$PWD ../main/.venv/bin/python ../main/tests/compatibility/make_c8131ff.py

An optional argument names another folder for what is made. ``sources.toml``, ``legacy.env`` and
``README.md`` are written by hand; this script reads the first two and notes what they mean.

Every module of c8131ff is imported by its name in a string, because the checkout that this file
lies in need not have it any more.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
import socket
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import redis as redis_py

HERE = Path(__file__).parent / "c8131ff"
HOST = "old-host"
"""Variables that describe the machine to the program."""
SITE_PORT = 28131
"""Where the crawled site is; the remembered visits hold its address."""
FILMS = 30
DEAD_EMBEDDER = "embedder-2"
MODEL = "tiny-model"
PASSAGE_TOKENS = 16
PREFIX = "MOVIE_SEARCH_"

SEARCHES: list[dict[str, Any]] = [
    {"query": "a slow film about the sea and growing old", "k": 5, "evidence": 2, "explain": True},
    {"query": "kind and funny", "k": 5, "evidence": 1, "mode": "semantic", "explain": True},
    {"query": "train station war", "k": 5, "evidence": 1, "mode": "lexical", "explain": True},
]


def old(name: str) -> Any:
    """A module of the checkout that the script is run in."""
    return importlib.import_module(name)


def main() -> None:
    """Make everything, and say how large it is."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    socket.gethostname = lambda: HOST
    folder = Path(tempfile.mkdtemp(prefix="ms-old-"))
    try:
        asyncio.run(_make(folder / "data", target))
    finally:
        shutil.rmtree(folder)
    for path in sorted(target.iterdir()):
        sys.stdout.write(f"{path.stat().st_size:>8} {path.name}\n")


async def _make(data: Path, target: Path) -> None:
    settings_recorded = _meaning_of_settings(target)
    sources_recorded = _meaning_of_sources(target)
    with old("tests.support.redis_server").redis_server() as server, _site() as site:
        os.environ[f"{PREFIX}REDIS_URL"] = server.url
        os.environ[f"{PREFIX}DATA_DIR"] = str(data)
        maker = Maker(server.url, data, site)
        await maker.two_snapshots()
        await maker.what_is_under_way()
        await maker.expectations()
        maker.recorded["artefact"] = _artefact(data)
        await maker.last_words()
        _write_json(target / "redis.json", dump(redis_py.Redis.from_url(server.url)))
        await maker.close()
    recorded = {**maker.recorded, "settings": settings_recorded, "sources": sources_recorded}
    _write_json(target / "expected.json", recorded)
    _pack(data, target / "data.tar.gz")


class Maker:
    """Drives the program's parts against one Redis server and one data folder."""

    def __init__(self, url: str, data: Path, site: Any) -> None:
        self.data, self.url, self.site = data, url, site
        self.settings = old("shared.settings").Settings(
            redis_url=url, data_dir=data, publish_idle_s=1.5, publish_every_s=600
        )
        self.encoder = old("tests.support.encoders").HashEncoder()
        self.redis = old("shared.redis").connect(url)
        self.runs = old("shared.runs")
        self.store = old("shared.snapshot.store").SnapshotStore(self.settings.snapshot_dir)
        self.named: dict[str, str] = {}
        """Ids of runs and other things, by what the tests call them."""
        self.recorded: dict[str, Any] = {"named": self.named}
        """What the tests compare with."""

    async def close(self) -> None:
        """Give back the connection."""
        await self.redis.aclose()

    # Everything that has come to its end

    async def two_snapshots(self) -> None:
        """Crawl the site twice and publish each time; the second time with runs of other kinds."""
        support = old("tests.support.supervision")
        async with support.supervising(
            self.redis, self.site.url, holder=f"{HOST}-00000001"
        ) as supervisor:
            await self._take_commands(supervisor, nothing_to_take=True)
            first = await self._crawl(supervisor, "first crawl")
            async with self._embedder():
                await self._end_of(first, "searchable")
            self._change_the_site()
            second = await self._crawl(supervisor, "second crawl")
        refused = await self._request_what_is_refused()
        club = await self._send("club", "club", Club.first, complete=True)
        short = await self._send("short", "wire", Wire.items, lost=1, broken="wire:1-9")
        mirror = await self._send("mirror", "mirror", lambda _: [], kept=Club.kept_by_a_mirror)
        archive = await self._request("half crawled", "archive")
        await self.runs.advance(self.redis, archive, "crawling")
        await self._append([one.to_fields() for one in Archive.searchable(archive.run_id)])
        async with self._embedder():
            for run in (second, club, mirror):
                await self._end_of(run, "searchable")
            await self._end_of(short, "incomplete")
            guarded = await self._send("guarded", "club", Club.only_one, complete=True)
            await self._end_of(guarded, "incomplete")
            assert await self._activation_state(refused) == "refused"
        ids = self.store.snapshot_ids()
        assert len(ids) == 2, ids
        await self._end_by_hand("failed", "site", "failed", error="no reviews were found",
                                kept_page="/srv/movie-search/ingest/site/page.html")  # fmt: skip
        await self._end_by_hand("cancelled", "other", "cancelled", error="an operator cancelled it")

    def _change_the_site(self) -> None:
        """A review is edited, a film is gone, and another one has come."""
        support = old("tests.support.watched_site")
        films = old("services.ingest.demo_site.catalogue").load_catalogue()[: FILMS + 1]
        film = films[2]
        text = "Seen again after ten years, by the sea, and it is a far better film than I knew."
        reviews = [film.reviews[0].model_copy(update={"text": text}), *film.reviews[1:]]
        films = support.edited(films, 2, lambda one: support.with_reviews(one, reviews))
        self.site.catalogue = (*films[:7], *films[8:])

    async def _crawl(self, supervisor: Any, name: str) -> Any:
        run = await self._request(name, "demo")
        await self._take_commands(supervisor)
        settled = await old("tests.support.supervision").settled(self.redis, run)
        assert settled.state == "embedding", settled
        return run

    async def _take_commands(self, supervisor: Any, *, nothing_to_take: bool = False) -> None:
        """What ingest's consumer of commands does, until none is left."""
        messages, streams = old("shared.messages"), old("shared.streams")
        stop = asyncio.Event()

        async def on_idle() -> None:
            if nothing_to_take or not await self.redis.xlen(messages.COMMANDS_STREAM):
                stop.set()

        async def on_dead(entry: Any, reason: str) -> None:
            raise AssertionError(reason)

        await streams.StreamConsumer(
            url=self.url, stream=messages.COMMANDS_STREAM, group=messages.INGEST_GROUP,
            name=HOST, handle=supervisor.handle, on_dead=on_dead,
            dead_stream=f"{messages.COMMANDS_STREAM}.dead", block_ms=1, on_idle=on_idle,
        ).run(stop)  # fmt: skip

    @asynccontextmanager
    async def _embedder(self) -> AsyncIterator[Any]:
        engine = old("services.embedder.database").open_engine(self.settings.database)
        stop = asyncio.Event()
        service = old("services.embedder.service").Embedder(
            self.settings, engine, self.encoder, precision="f32"
        )
        task = asyncio.create_task(service.run(stop))
        try:
            yield service
        finally:
            stop.set()
            await task
            engine.dispose()

    async def _request_what_is_refused(self) -> Any:
        activations = old("shared.activations")
        wanted = activations.new_activation("00000009-0badcafe")
        await activations.record(self.redis, wanted)
        return wanted

    async def _activation_state(self, wanted: Any) -> str:
        found = await old("shared.activations").get_activation(self.redis, wanted.activation_id)
        self.named["refused activation"] = wanted.activation_id
        return str(found.state)

    async def _request(self, name: str, source: str, **options: Any) -> Any:
        run, is_new = await self.runs.request_run(self.redis, source, **options)
        assert is_new
        self.named[name] = run.run_id
        return run

    async def _send(
        self, name: str, source: str, items: Any, *,
        complete: bool = False, kept: Sequence[str] = (), lost: int = 0, broken: str | None = None,
    ) -> Any:  # fmt: skip
        """Send a whole run, as a crawl that is over has."""
        messages = old("shared.messages")
        run = await self._request(name, source)
        await self.runs.advance(self.redis, run, "crawling")
        sent = items(run.run_id)
        ids = {messages.ledger_id(one.kind, one.item_id) for one in sent}
        entries = [one.to_fields() for one in (sent[:-lost] if lost else sent)]
        if broken is not None:
            ids.add(messages.ledger_id("review", broken))
            whole = Club.review(run.run_id, broken, "wire:1", "Cut off.", source=source)
            entries.append({**whole.to_fields(), "body": '{"review": "Cut o'})
        if kept:
            named = messages.KeptItems(run_id=run.run_id, source=source, number=0, items=kept)
            entries.append(named.to_fields())
        end = messages.RunEnd(
            run_id=run.run_id, source=source, emitted=len(ids),
            checksum=messages.checksum_of_ids(ids), kept=len(kept),
            kept_checksum=messages.checksum_of_ids(kept), complete=complete,
        )  # fmt: skip
        await self._append([*entries, end.to_fields()])
        await self.runs.advance(self.redis, run, "embedding")
        return run

    async def _append(self, entries: Sequence[Mapping[str, str]]) -> list[str]:
        stream = old("shared.messages").REVIEWS_STREAM
        pipeline = self.redis.pipeline(transaction=True)
        for entry in entries:
            pipeline.xadd(stream, dict(entry))
        ids: list[str] = await pipeline.execute()
        return ids

    async def _end_of(self, run: Any, state: str) -> None:
        async def ended() -> Any:
            found = await self.runs.get_run(self.redis, run.run_id)
            return found if self.runs.ended(found) else None

        waiting = old("tests.support.waiting")
        found = await waiting.async_wait_until(ended, timeout_s=120, what="the run has ended")
        assert found.state == state, found

    async def _end_by_hand(self, name: str, source: str, state: str, **fields: str) -> None:
        run = await self._request(name, source)
        await self.runs.advance(self.redis, run, "crawling")
        await self.runs.set_fields(self.redis, run.run_id, pages=3, attempts=1)
        await self.runs.advance(self.redis, run, state, **fields)

    # What the process was in the middle of when it ended

    async def what_is_under_way(self) -> None:
        """Leave two runs half done: stored, delivered, claimed, buried and unread entries."""
        engine = old("services.embedder.database").open_engine(self.settings.database)
        consumer = old("services.embedder.consumer").ReviewConsumer(engine, lambda _: None)
        club = await self._request("half stored", "club")
        archive = await self.runs.get_run(self.redis, self.named["half crawled"])
        await self.runs.advance(self.redis, club, "crawling")
        await self.runs.set_fields(self.redis, club.run_id, attempts=1, pages=4)
        supervisor = old("services.ingest.runs").Supervisor(
            self.redis, {}, self.site.url, 60.0, holder=f"{HOST}-00000001"
        )
        await self._take_commands(supervisor)
        items = Club.second(club.run_id)
        await self._append([one.to_fields() for one in items.stored])
        await self._store_all(consumer)
        vectors = old("services.embedder.vectors")
        store = vectors.VectorStore(engine, self.encoder.spec.encoder_id)
        self._quarantine(vectors, store, engine)
        with mock.patch.object(vectors.time, "time", Club.FETCHED.timestamp):
            claimed = store.claim(1, f"{DEAD_EMBEDDER}.2")  # it expired long ago
        self.named["claimed review"] = claimed[0].review_id
        await self._leave_pending(club, archive, items)
        old("services.embedder.snapshot_records").SnapshotRecords(
            engine, self.encoder.spec.encoder_id
        ).begin(store_revision(self.settings.database))
        engine.dispose()
        await self.runs.advance(self.redis, club, "embedding")

    async def _store_all(self, consumer: Any) -> None:
        """What the embedder's consumer does, until nothing is left on the stream."""
        messages, streams = old("shared.messages"), old("shared.streams")
        stop = asyncio.Event()

        async def on_idle() -> None:
            if not await self.redis.xlen(messages.REVIEWS_STREAM):
                stop.set()

        await streams.StreamConsumer(
            url=self.url, stream=messages.REVIEWS_STREAM, group=messages.EMBEDDER_GROUP,
            name="embedder-1", handle=consumer.handle, on_dead=consumer.on_dead,
            dead_stream=messages.DEAD_LETTERS_STREAM, block_ms=1, on_idle=on_idle,
        ).run(stop)  # fmt: skip

    def _quarantine(self, vectors: Any, store: Any, engine: Any) -> None:
        """A review whose vectors were not finite: it is kept, and has no passages."""
        [item] = [one for one in store.backlog(100) if one.review_id == Club.QUARANTINED]
        none = np.empty((0, self.encoder.spec.dim), np.float16)
        spans = np.empty((0, 2), np.int32)
        store.save([vectors.EncodedReview(item.review_id, item.text_sha256, spans, none)])

    async def _leave_pending(self, club: Any, archive: Any, items: Any) -> None:
        messages, pending = old("shared.messages"), old("shared.pending")
        stream, group = messages.REVIEWS_STREAM, messages.EMBEDDER_GROUP
        mine = pending.PendingList(self.redis, stream, group, "embedder-1")
        dead = pending.PendingList(self.redis, stream, group, DEAD_EMBEDDER)
        # Delivered to an embedder of this name, which died before it stored them.
        ids = await self._append([one.to_fields() for one in items.delivered])
        await self.redis.xreadgroup(group, "embedder-1", {stream: ">"})
        for count in (1, 2):  # one of them three times: it is to be handled alone
            await mine.deliver({ids[-1]: count})
        # Delivered to another one; its last entry has ended six processes.
        lost = Archive.delivered(archive.run_id)
        ids = await self._append([one.to_fields() for one in lost])
        await self.redis.xreadgroup(group, DEAD_EMBEDDER, {stream: ">"})
        for count in range(1, 6):
            await dead.deliver({ids[-1]: count})
        await self._bury(mine, archive)
        unread = [*items.unread, *Archive.unread(archive.run_id)]
        await self._append([one.to_fields() for one in unread])
        await self._append([Club.end(club.run_id, items).to_fields()])

    async def _bury(self, pending: Any, archive: Any) -> None:
        """Dead letters of every kind; each entry is read, and buried, as the rules have it."""
        messages, letters = old("shared.messages"), old("shared.dead_letters")
        group, stream = messages.EMBEDDER_GROUP, messages.REVIEWS_STREAM
        run_id = archive.run_id
        good = Archive.review(run_id, "archive:9", "A lamp, a letter, and a long night of waiting.")
        again = Archive.review(run_id, "archive:8", "The same reel twice, and nobody minded.")
        large = {
            **Archive.review(run_id, "archive:7", "Too long.").to_fields(),
            "pad": "x" * 300000,
        }
        foreign = {
            b"v": b"1",
            b"kind": b"review",
            b"run": b"caf\xe9",
            b"id": b"x",
            b"body": b"\xff",
        }
        buried: list[tuple[Mapping[Any, Any], str]] = [
            (good.to_fields(), "failed 6 times: RuntimeError('the disk was full')"),
            ({**again.to_fields(), "replays": "1"}, "failed 6 times: RuntimeError('again')"),
            (large, "review: pad: Extra inputs are not permitted"),
            (foreign, "review: body: Invalid JSON"),
            ({"body": "lost"}, "the process ended while handling it, 6 times"),
        ]
        raw = redis_py.Redis.from_url(self.url)
        for fields, reason in buried:
            raw.xadd(stream, dict(fields))
            [[_, [[entry_id, found]]]] = await self.redis.xreadgroup(
                group, "embedder-1", {stream: ">"}
            )
            if found.get("body") == "lost":  # a server that lost its last writes
                await self.redis.xdel(stream, entry_id)
            entry = await pending.payload(entry_id)
            await pending.bury(messages.DEAD_LETTERS_STREAM, entry, reason)
        raw.close()
        assert await letters.count_letters(self.redis) == len(buried) + 1

    async def last_words(self) -> None:
        """Leave what expires, just before everything is read."""
        activations = old("shared.activations")
        leases = old("shared.snapshot.leases").Leases
        await self._request("queued", "later", idempotency_key="8e03978e-40d5", trigger="schedule",
                            allow_removals=True)  # fmt: skip
        ids = self.store.snapshot_ids()
        wanted = activations.new_activation(ids[-1])
        holder = activations.lease_holder(wanted.activation_id)
        leases(self.settings.leases, holder).take(ids[-1], for_s=3600.0)
        leases(self.settings.leases, f"{HOST}-4711").take(ids[0])
        await activations.record(self.redis, wanted)
        self.named["queued activation"] = wanted.activation_id
        archive = self.named["half crawled"]
        await self.runs.take_lease(self.redis, archive, f"{HOST}-00000001", lease_ms=15_000)
        service = old("services.embedder.service")
        for key in (service.HEARTBEAT_KEY, service.heartbeat_key()):
            await self.redis.set(key, "1", ex=service.HEARTBEAT_TTL_S)
        names = ("archive", "club", "demo", "later", "mirror", "other", "site", "wire")
        supervisor = old("services.ingest.runs").Supervisor(
            self.redis, dict.fromkeys(names), self.site.url, 60.0, holder=f"{HOST}-00000001"
        )
        await supervisor._beat()
        self.recorded["runs"] = [
            run.model_dump(mode="json") for run in await self.runs.list_runs(self.redis, limit=200)
        ]
        self.recorded["dead_letters"] = [
            one.model_dump(mode="json")
            for one in await old("shared.dead_letters").list_letters(self.redis)
        ]

    # What the tests compare with

    async def expectations(self) -> None:
        """Note what this version makes of its own files."""
        newer, older = self.store.snapshot_ids()
        self.recorded |= {
            "encoder_id": self.encoder.spec.encoder_id,
            "site_port": SITE_PORT,
            "films": FILMS,
            "database": _told_by_database(self.data / "movies.sqlite"),
            "visits": _told_by_visits(self.settings.ingest_dir / "demo" / "visits.sqlite"),
            "snapshots": {"older": await self._answers(older), "newer": await self._answers(newer)},
        }

    async def _answers(self, snapshot_id: str) -> dict[str, Any]:
        """What the query service answers over a snapshot."""
        support = old("tests.support.query_service")
        old("shared.snapshot.activation").activate(
            self.store, snapshot_id, encoder_id=self.encoder.spec.encoder_id
        )
        with tempfile.TemporaryDirectory() as leases:
            settings = support.query_settings(self.data, lease_dir=leases)
            async with support.running_query(settings, support.always(self.encoder)) as running:
                await running.reload()
                answers = []
                for body in SEARCHES:
                    response = await running.client.post("/search", json=body)
                    assert response.status_code == 200, response.text
                    answer = response.json()
                    assert answer["hits"], body
                    del answer["took_ms"]
                    answers.append({"request": body, "answer": answer})
                film = answers[0]["answer"]["hits"][0]["movie"]["movie_id"]
                return {
                    "snapshot_id": snapshot_id,
                    "counts": self.store.manifest(snapshot_id).counts.model_dump(),
                    "searches": answers,
                    "film": (await running.client.get(f"/movies/{film}")).json(),
                    "facets": (await running.client.get("/facets")).json(),
                    "map": (await running.client.get("/map")).json(),
                }


def store_revision(database: str) -> int:
    """The number of the last change."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as db:
        [number] = db.execute("SELECT value FROM revision").fetchone()
    db.close()
    return int(number)


class Club:
    """An invented film club, whose films use every field of the messages."""

    QUARANTINED = "club:2-3"
    kept_by_a_mirror = ("movie/club:1", "review/club:1-1")
    FETCHED = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)

    @classmethod
    def movie(cls, run_id: str, name: str, *, source: str = "club", **facts: Any) -> Any:
        """A film of the club's."""
        messages = old("shared.messages")
        return messages.MovieMessage(
            run_id=run_id, source=source, fetched_at=cls.FETCHED,
            movie=messages.Movie(movie_id=name, **facts),
        )  # fmt: skip

    @classmethod
    def review(
        cls, run_id: str, name: str, film: str, text: str, *, source: str = "club", **facts: Any
    ) -> Any:
        """A review by a member of the club."""
        messages = old("shared.messages")
        return messages.ReviewMessage(
            run_id=run_id, source=source, fetched_at=cls.FETCHED,
            review=messages.Review(review_id=name, movie_id=film, text=text, **facts),
        )  # fmt: skip

    @classmethod
    def lamp(cls, run_id: str) -> Any:
        """A film of which everything is known."""
        return cls.movie(
            run_id, "club:1", title="The Lamp Keeper", year=1931, genres=("Drama", "Romance"),
            directors=("A. Invented", "B. Invented"), rating=7.4, url="https://club.example/1",
            description="A keeper of a lamp grows old beside the sea and writes to nobody.",
        )  # fmt: skip

    @classmethod
    def first(cls, run_id: str) -> list[Any]:
        """A complete run: three films, one without reviews, and a review of a fourth."""
        return [
            cls.lamp(run_id),
            cls.review(
                run_id, "club:1-1", "club:1", "Slow, and old as the sea. He dies at the end.",
                rating=9.5, title="At the end of the pier", author="Zoë Ünlü", spoiler=True,
                published=date(2024, 2, 29), url="https://club.example/1#1", language="en",
            ),
            cls.review(run_id, "club:1-2", "club:1", "Too slow for me.", rating=0, spoiler=False),
            cls.movie(run_id, "club:2", title="Station to Nowhere", year=1944),
            cls.review(run_id, "club:2-1", "club:2", "A train station in a war. Kind and funny."),
            cls.movie(run_id, "club:3", title="Nobody Came"),
            cls.review(run_id, "club:4-1", "club:4", "Nameless, but I liked the dog. Très bien."),
        ]  # fmt: skip

    @classmethod
    def only_one(cls, run_id: str) -> list[Any]:
        """What is left of the club's films, so little that the guard refuses to remove the rest."""
        return [cls.lamp(run_id)]

    @classmethod
    def second(cls, run_id: str) -> Any:
        """A run that is half stored when the process ends."""
        return _Second(
            stored=[
                cls.review(run_id, "club:1-1", "club:1", "Seen again: slow, old, and dear to me."),
                cls.review(run_id, "club:2-2", "club:2", "The war is far, the station is full."),
                cls.review(run_id, cls.QUARANTINED, "club:2", "This one has no usable vectors."),
            ],
            delivered=[
                cls.movie(run_id, "club:5", title="Five Bells", year=1950, genres=("Comedy",)),
                cls.review(run_id, "club:5-1", "club:5", "Five bells, four sailors, one joke."),
                cls.review(
                    run_id, "club:1-3", "club:1", "The lamp goes out. I wept on the stairs."
                ),
            ],
            unread=[
                cls.movie(run_id, "club:3", title="Nobody Came, Again", year=1951),
                cls.review(run_id, "club:3-1", "club:3", "Somebody came after all, with a cake."),
            ],
        )

    @staticmethod
    def end(run_id: str, items: _Second) -> Any:
        """The end of the second run: not all of the source was seen."""
        messages = old("shared.messages")
        sent = [*items.stored, *items.delivered, *items.unread]
        ids = {messages.ledger_id(one.kind, one.item_id) for one in sent}
        return messages.RunEnd(
            run_id=run_id, source="club", emitted=len(ids), checksum=messages.checksum_of_ids(ids)
        )


class _Second:
    def __init__(self, *, stored: list[Any], delivered: list[Any], unread: list[Any]) -> None:
        self.stored, self.delivered, self.unread = stored, delivered, unread


class Wire:
    """An invented source whose run loses an item."""

    @staticmethod
    def items(run_id: str) -> list[Any]:
        """A film and three reviews; the last one never arrives."""
        movie = Club.movie(
            run_id, "wire:1", source="wire", title="Wires over the Valley", year=1962
        )
        texts = ("Crossed wires and cross people.", "A valley, a hum, a phone.", "Never arrives.")
        reviews = [
            Club.review(run_id, f"wire:1-{number}", "wire:1", text, source="wire", rating=number)
            for number, text in enumerate(texts, 1)
        ]
        return [movie, *reviews]


class Archive:
    """An invented source whose crawl is still going on."""

    @staticmethod
    def review(run_id: str, name: str, text: str) -> Any:
        """A review of the archive's only film."""
        return Club.review(run_id, name, "archive:a", text, source="archive", rating=6)

    @classmethod
    def searchable(cls, run_id: str) -> list[Any]:
        """What is in the newer snapshot, although the run has not ended."""
        return [
            Club.movie(run_id, "archive:a", source="archive", title="Reel Found in a Barn"),
            cls.review(run_id, "archive:0", "Dust, straw, and the first ten minutes of a farce."),
        ]

    @classmethod
    def delivered(cls, run_id: str) -> list[Any]:
        """What an embedder that died had taken; the last one had ended it six times."""
        return [
            cls.review(run_id, "archive:1", "A barn, a reel, a horse that looks at the camera."),
            cls.review(run_id, "archive:2", "Poison for those who handle it."),
        ]

    @classmethod
    def unread(cls, run_id: str) -> list[Any]:
        """Entries that have not been read yet."""
        return [cls.review(run_id, "archive:3", "The last minute is missing, thank goodness.")]


@contextmanager
def _site() -> Iterator[Any]:
    """The bundled demo site's own films, at the address that the visits shall hold."""
    server, support = old("services.ingest.demo_site.server"), old("tests.support.watched_site")
    films = old("services.ingest.demo_site.catalogue").load_catalogue()
    bind = server._bind
    server._bind = lambda host, _: bind(host, SITE_PORT)
    try:
        with support.watched_site(films[:FILMS]) as site:
            assert site.url.endswith(f":{SITE_PORT}"), site.url
            yield site
    finally:
        server._bind = bind


def _artefact(data: Path) -> dict[str, Any]:
    """Convert a tiny model with random weights, and note what its vectors are."""
    made = old("tests.support.tiny_models").tiny_model(data.parent / "making")
    model = made.rename(data.parent / MODEL)
    shutil.rmtree(data.parent / "making")
    spec = old("services.embedder.conversion").ensure_artefact(
        data / "snapshots", model=str(model), passage_tokens=PASSAGE_TOKENS
    )
    encoder_id = spec.encoder_id
    module = old("shared.encoder")
    encoder = module.GraphEncoder(
        module.artefact_folder(data / "snapshots", encoder_id), precision="f32"
    )
    texts = ["a quiet film", "loud war and love", "a film and a war and a quiet love and a film"]
    return {
        "encoder_id": encoder_id,
        "passage_tokens": PASSAGE_TOKENS,
        "texts": texts,
        "tokens": encoder.count_tokens(texts),
        "queries": encoder.encode_queries(texts).tolist(),
        "passages": encoder.encode_passages(texts).tolist(),
    }


def _told_by_database(path: Path) -> dict[str, Any]:
    """How many rows each table has, and which reviews still have to be encoded."""
    db = sqlite3.connect(path)
    tables = [
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    ]
    assert not _unused_columns(db, tables)
    recorded = {
        "rows": {
            name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for name in tables
        },
        "unencoded": [
            name for (name,) in db.execute("SELECT review_id FROM unencoded_reviews ORDER BY 1")
        ],
        "reviews_by_source": dict(
            db.execute("SELECT source, count(*) FROM reviews GROUP BY 1 ORDER BY 1").fetchall()
        ),
        "passages": db.execute("SELECT sum(passages) FROM review_vectors").fetchone()[0],
        "open_runs": [
            name for (name,) in db.execute("SELECT run_id FROM run_ledgers WHERE NOT closed")
        ],
        "removed_movies": [
            name for (name,) in db.execute("SELECT movie_id FROM removed_movies ORDER BY 1")
        ],
        "published": [
            list(row)
            for row in db.execute(
                "SELECT sequence, snapshot_id, revision, movies FROM snapshots ORDER BY 1"
            )
        ],
    }
    db.close()
    return recorded


def _unused_columns(db: sqlite3.Connection, tables: Sequence[str]) -> list[str]:
    """Columns in which no row has anything."""
    return [
        f"{table}.{column[1]}"
        for table in tables
        for column in db.execute(f"PRAGMA table_info({table})").fetchall()
        if not db.execute(f"SELECT count({column[1]}) FROM {table}").fetchone()[0]  # noqa: S608
    ]


def _told_by_visits(path: Path) -> dict[str, Any]:
    db = sqlite3.connect(path)
    recorded = {
        "about": dict(db.execute("SELECT name, value FROM about").fetchall()),
        "rows": {
            name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for name in ("visits", "held", "sent", "kept")
        },
        "of_the_last_run": db.execute(
            "SELECT count(*) FROM visits JOIN about ON name = 'run' AND value = run_id"
        ).fetchone()[0],
    }
    db.close()
    return recorded


def _meaning_of_settings(folder: Path) -> dict[str, Any]:
    """Every setting that ``legacy.env`` gives, as this version reads it."""
    lines = (folder / "legacy.env").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    module = old("shared.settings")
    known = {f"{PREFIX}{name.upper()}" for name in module.Settings.model_fields}
    assert set(pairs) == known | {f"{PREFIX}URL"}, set(pairs) ^ known
    os.environ.update(pairs)
    settings = module.load_settings()
    for name in pairs:
        del os.environ[name]
    defaults = module.Settings().model_dump(mode="json")
    recorded: dict[str, Any] = settings.model_dump(mode="json")
    alike = [name for name, value in recorded.items() if value == defaults[name]]
    assert alike == ["vector_store"], alike  # it has one value only
    derived = ("snapshot_dir", "ingest_dir", "leases", "database")
    return {"fields": recorded, "derived": {name: str(getattr(settings, name)) for name in derived}}


def _meaning_of_sources(folder: Path) -> dict[str, Any]:
    """Every source of ``sources.toml``, as this version reads it; paths relative to the file."""
    settings = old("shared.settings").Settings(sources=folder / "sources.toml")
    module = old("services.ingest.sources")
    found = module.load_sources(settings)
    recorded = {}
    for name, source in found.items():
        unset = set(type(source).model_fields) - source.model_fields_set
        assert not unset, (name, unset)
        recorded[name] = {
            "fields": source.model_dump(mode="json"),
            "fingerprint": old("services.ingest.visits").fingerprint_of(source),
        }
    text = json.dumps(recorded).replace(f"{folder}/", "")
    relative: dict[str, Any] = json.loads(text)
    return relative


def dump(client: Any) -> dict[str, Any]:
    """Everything that a Redis server holds, as JSON; ``loading.load_redis`` is the other way.

    Bytes that are not UTF-8 stand in texts as lone surrogates. What expires is noted with the time
    that it has left, and what has been delivered with the time since then, so that both are as
    fresh whenever it is loaded.
    """
    found = {}
    for key in sorted(client.scan_iter()):
        kind = _text(client.type(key))
        entry: dict[str, Any] = {"type": kind, "value": _READERS[kind](client, key)}
        left_ms = client.pttl(key)
        if left_ms >= 0:
            entry["ttl_ms"] = left_ms
        found[_text(key)] = entry
    return found


def _text(value: Any) -> str:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in values.items()}


def _stream(client: Any, key: bytes) -> dict[str, Any]:
    about = client.xinfo_stream(key)
    return {
        "entries": [[_text(entry_id), _texts(fields)] for entry_id, fields in client.xrange(key)],
        "last_id": _text(about["last-generated-id"]),
        "entries_added": about["entries-added"],
        "max_deleted_id": _text(about["max-deleted-entry-id"]),
        "groups": [_group(client, key, group) for group in client.xinfo_groups(key)],
    }


def _group(client: Any, key: bytes, group: Mapping[str, Any]) -> dict[str, Any]:
    name = _text(group["name"])
    pending = client.xpending_range(key, name, "-", "+", 1000)
    return {
        "name": name,
        "last_delivered_id": _text(group["last-delivered-id"]),
        "entries_read": group["entries-read"],
        "consumers": sorted(_text(one["name"]) for one in client.xinfo_consumers(key, name)),
        "pending": [
            {
                "id": _text(row["message_id"]),
                "consumer": _text(row["consumer"]),
                "idle_ms": row["time_since_delivered"],
                "deliveries": row["times_delivered"],
            }
            for row in pending
        ],
    }


_READERS: dict[str, Any] = {
    "string": lambda client, key: _text(client.get(key)),
    "hash": lambda client, key: dict(sorted(_texts(client.hgetall(key)).items())),
    "set": lambda client, key: sorted(_text(one) for one in client.smembers(key)),
    "zset": lambda client, key: [
        [_text(one), score] for one, score in client.zrange(key, 0, -1, withscores=True)
    ],
    "list": lambda client, key: [_text(one) for one in client.lrange(key, 0, -1)],
    "stream": _stream,
}


def _pack(data: Path, target: Path) -> None:
    """Pack the data folder and the model as they are; the databases' logs are empty."""
    for path in (data / "movies.sqlite", data / "ingest" / "demo" / "visits.sqlite"):
        db = sqlite3.connect(path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
    assert not [path for path in data.rglob("*-wal") if path.stat().st_size]

    def nameless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(target, "w:gz", compresslevel=9) as packed:
        packed.add(data, arcname=data.name, filter=nameless)
        packed.add(data.parent / MODEL, arcname=MODEL, filter=nameless)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
