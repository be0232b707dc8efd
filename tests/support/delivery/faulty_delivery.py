"""Delivery with faults where a test wants them: the real consumer, Redis and SQL, step by step.

``Stage`` knows the steps that a consumer takes. At the step that it is armed for, the process dies
(``Died`` leaves everything as ``kill -9`` would), a reply is lost after its command was carried
out, a command is repeated by the client, or the database is away.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import Engine, text

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine, reading
from shared.delivery import streams
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.pending import PendingList
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import Entry, StreamConsumer, Unavailable

Fields = Mapping[str, str]
RAISES, KILLS = "raises", "kills"  # in the id of an item: what handling it does


class Died(BaseException):
    """The process ended here."""


@dataclass(frozen=True)
class Fault:
    """What happens when a step is reached for the ``nth`` time, and again ``more`` times."""

    step: str
    how: str  # "die", "lose", "repeat" or "away"
    nth: int = 0
    more: int = 0


# Steps are named by what has just happened.
FAULTS: tuple[tuple[str, str], ...] = (
    ("read", "die"), ("read", "lose"),
    ("claimed", "die"), ("claimed", "lose"),
    ("delivered", "die"), ("delivered", "lose"),
    ("handed over", "die"), ("handed over", "away"),
    ("committed", "die"),
    ("acknowledged", "die"), ("acknowledged", "lose"),
    ("dead committed", "die"), ("dead committed", "lose"),
    ("buried", "die"), ("buried", "lose"), ("burying", "repeat"),
)  # fmt: skip


@dataclass
class Stage:
    """Counts down to the fault."""

    fault: Fault | None = None
    reached: Counter[str] = field(default_factory=Counter)
    happened: int = 0

    def due(self, step: str, *hows: str) -> bool:
        """Whether one of these faults is due at a step that has just been reached."""
        fault = self.fault
        if fault is None or fault.step != step or fault.how not in hows:
            return False
        self.reached[step] += 1
        is_due = fault.nth < self.reached[step] <= fault.nth + 1 + fault.more
        self.happened += is_due
        return is_due

    def at(self, step: str) -> None:
        if self.due(step, "die"):
            raise Died
        if self.due(step, "lose"):
            raise RedisConnectionError("the reply was lost")
        if self.due(step, "away"):
            raise Unavailable("the database is away")


class StagedPending(PendingList):
    """The pending list, with faults."""

    stage: ClassVar[Stage]

    async def claim(self, cursor: str, *, min_idle_ms: int) -> tuple[str, int]:
        found = await super().claim(cursor, min_idle_ms=min_idle_ms)
        self.stage.at("claimed")
        return found

    async def deliver(self, counts: Mapping[str, int]) -> list[Entry]:
        entries = await super().deliver(counts)
        self.stage.at("delivered")
        return entries

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        await super().acknowledge(entries)
        self.stage.at("acknowledged")

    async def dead_letter(self, dead_stream: str, entry: Entry, reason: str) -> None:
        if self.stage.due("burying", "repeat"):
            await super().dead_letter(dead_stream, entry, reason)
        await super().dead_letter(dead_stream, entry, reason)
        self.stage.at("buried")


class StagedConsumer(StreamConsumer):
    """The consumer, with faults; it does not wait for entries."""

    stage: ClassVar[Stage]

    async def _read_new(self, reader: Client, *, block_ms: int) -> list[Entry]:
        entries = await super()._read_new(reader, block_ms=1)
        if entries:
            self.stage.at("read")
        return entries


@dataclass
class Handling:
    """The embedder's handler, with faults and poison."""

    consumer: ReviewConsumer
    stage: Stage
    killed: Counter[str] = field(default_factory=Counter)  # by the entry that did it

    async def handle(self, entries: Sequence[Entry]) -> None:
        self.stage.at("handed over")
        for entry in entries:
            if KILLS in entry.fields["id"]:
                self.killed[entry.entry_id] += 1
                raise Died
            if RAISES in entry.fields["id"]:
                raise RuntimeError("poison")
        await self.consumer.handle(entries)
        self.stage.at("committed")

    async def on_dead(self, entry: Entry, reason: str) -> None:
        await self.consumer.on_dead(entry, reason)
        self.stage.at("dead committed")


@dataclass
class Parts:
    """What the consumer is made of; a mutant has another one of something."""

    consumer: type[StagedConsumer] = StagedConsumer
    pending: type[StagedPending] = StagedPending


class Delivery:
    """One stream, one database, and consumers that come and die. All calls are blocking."""

    def __init__(self, url: str, folder: Path, template: Path, parts: Parts) -> None:
        self._runner = asyncio.Runner()
        self._url = url
        self._parts = parts
        database = folder / "movies.sqlite"
        shutil.copy(template, database)
        self.engine: Engine = open_engine(f"sqlite:///{database}")
        self.killed: Counter[str] = Counter()
        """How often an entry has ended the process."""
        self.faults = 0
        self.redis = connect(url)
        self._runner.run(self.redis.flushall())
        self._losses = _deleted_ids()

    def close(self) -> None:
        self._runner.run(self.redis.aclose())
        self._runner.close()
        self.engine.dispose()

    def publish(self, messages: Sequence[Fields]) -> list[str]:
        """Add entries; their ids."""
        return self._runner.run(streams.append(self.redis, REVIEWS_STREAM, messages))

    def forget_one(self) -> bool:
        """A server that lost the last of its writes: acknowledged, and not deleted."""
        return self._runner.run(self._forget_one())

    async def _forget_one(self) -> bool:
        if not await self.redis.exists(REVIEWS_STREAM):
            return False
        if not await self.redis.xinfo_groups(REVIEWS_STREAM):
            return False
        rows = await self.redis.xpending_range(REVIEWS_STREAM, EMBEDDER_GROUP, "-", "+", 1)
        for row in rows:
            await self.redis.xack(REVIEWS_STREAM, EMBEDDER_GROUP, row["message_id"])
        return bool(rows)

    def consume(
        self, name: str, *, rounds: int, min_idle_ms: int = 60_000, fault: Fault | None = None
    ) -> bool:
        """Let a consumer run; False when it died. Ends early when nothing is left."""
        return self._runner.run(self._consume(name, rounds, min_idle_ms, fault))

    async def _consume(self, name: str, rounds: int, min_idle_ms: int, fault: Fault | None) -> bool:
        stage = Stage(fault)
        stop = asyncio.Event()
        left = rounds
        handling = Handling(ReviewConsumer(self.engine, lambda _: None), stage, self.killed)

        async def on_idle() -> None:
            nonlocal left
            left -= 1
            if left <= 0 or not await self.redis.xlen(REVIEWS_STREAM):
                stop.set()

        async def at_once(stop: asyncio.Event, seconds: float) -> None:
            nonlocal left
            left -= 1  # a consumer that waits for ever would never be idle
            if left <= 0:
                stop.set()

        staged = {"stage": stage}
        consumer = type("Consumer", (self._parts.consumer,), staged)
        pending = type("Pending", (self._parts.pending,), staged)
        with (
            patch.object(streams, "PendingList", pending),
            patch.object(streams, "wait_for", at_once),
        ):
            try:
                await consumer(
                    url=self._url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name=name,
                    handle=handling.handle, on_dead=handling.on_dead,
                    dead_stream=DEAD_LETTERS_STREAM, batch=4, block_ms=1,
                    min_idle_ms=min_idle_ms, on_idle=on_idle,
                ).run(stop)  # fmt: skip
            except Died:
                return False
            finally:
                self.faults += stage.happened
        return True

    def on_stream(self) -> set[str]:
        """Ids of the entries that are still there."""
        rows = self._runner.run(self.redis.xrange(REVIEWS_STREAM))
        return {entry_id for entry_id, _ in rows}

    def pending(self) -> dict[str, int]:
        """Deliveries of what has been delivered and not acknowledged."""
        return self._runner.run(self._pending())

    async def _pending(self) -> dict[str, int]:
        if not await self.redis.exists(REVIEWS_STREAM):
            return {}
        if not await self.redis.xinfo_groups(REVIEWS_STREAM):
            return {}
        rows = await self.redis.xpending_range(REVIEWS_STREAM, EMBEDDER_GROUP, "-", "+", 10_000)
        return {row["message_id"]: row["times_delivered"] for row in rows}

    def letters(self) -> list[Fields]:
        """The dead letters."""
        rows = self._runner.run(self.redis.xrange(DEAD_LETTERS_STREAM))
        return [fields for _, fields in rows]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What SQL answers."""
        with reading(self.engine) as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def lost_ids(self) -> float:
        """Pending entries whose payload was gone, since the beginning."""
        return _deleted_ids() - self._losses


def _deleted_ids() -> float:
    return (
        REGISTRY.get_sample_value(
            "movie_search_stream_deleted_ids_total", {"stream": REVIEWS_STREAM}
        )
        or 0.0
    )
