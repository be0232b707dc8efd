"""This step leaves behind what the old version was in the middle of when it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis as redis_py

from .crawl import idle_supervisor, take_commands
from .embedder import begin_snapshot, quarantine_and_claim, store_everything
from .invented import Archive, Club, SecondRun
from .old import DEAD_EMBEDDER, EMBEDDER, old
from .program import OldProgram


async def leave_work_unfinished(program: OldProgram) -> None:
    """Leave two runs half done: entries are stored, delivered, claimed, buried and unread."""
    engine = old("services.embedder.database").open_engine(program.settings.database)
    club = await program.request("half stored", "club")
    archive = await program.runs.get_run(program.redis, program.named["half crawled"])
    await program.runs.advance(program.redis, club, "crawling")
    await program.runs.set_fields(program.redis, club.run_id, attempts=1, pages=4)
    await take_commands(program, idle_supervisor(program, {}))
    items = Club.second(club.run_id)
    await program.append(items.stored)
    await store_everything(program, engine)
    quarantine_and_claim(program, engine)
    await _leave_pending(program, archive.run_id, items)
    await program.append([*items.unread, *Archive.unread(archive.run_id)])
    await program.append([Club.end(club.run_id, items)])
    begin_snapshot(program, engine)
    engine.dispose()
    await program.runs.advance(program.redis, club, "embedding")


async def _leave_pending(program: OldProgram, archive_id: str, items: SecondRun) -> None:
    """Leave entries that were delivered to two embedders, and acknowledged by neither."""
    messages, pending = old("shared.messages"), old("shared.pending")
    stream, group = messages.REVIEWS_STREAM, messages.EMBEDDER_GROUP
    living = pending.PendingList(program.redis, stream, group, EMBEDDER)
    dead = pending.PendingList(program.redis, stream, group, DEAD_EMBEDDER)
    # These were delivered to an embedder of this name, which died before it stored them.
    ids = await program.append(items.delivered)
    await program.redis.xreadgroup(group, EMBEDDER, {stream: ">"})
    for count in (1, 2):  # One of them is delivered three times: it is to be handled alone.
        await living.deliver({ids[-1]: count})
    # These were delivered to another one; the last of them has ended six processes.
    ids = await program.append(Archive.delivered(archive_id))
    await program.redis.xreadgroup(group, DEAD_EMBEDDER, {stream: ">"})
    for count in range(1, 6):
        await dead.deliver({ids[-1]: count})
    await _bury(program, living, archive_id)


async def _bury(program: OldProgram, pending: Any, archive_id: str) -> None:
    """Make dead letters of every kind; each entry is read, and buried, as the rules have it."""
    messages, letters = old("shared.messages"), old("shared.dead_letters")
    group, stream = messages.EMBEDDER_GROUP, messages.REVIEWS_STREAM
    buried = _what_is_buried(archive_id)
    raw = redis_py.Redis.from_url(program.url)
    for fields, reason in buried:
        raw.xadd(stream, dict(fields))
        [[_, [[entry_id, delivered]]]] = await program.redis.xreadgroup(
            group, EMBEDDER, {stream: ">"}
        )
        if delivered.get("body") == "lost":  # The server has lost its last writes.
            await program.redis.xdel(stream, entry_id)
        entry = await pending.payload(entry_id)
        await pending.bury(messages.DEAD_LETTERS_STREAM, entry, reason)
    raw.close()
    # The run that lost an item has one more, which could not be read.
    assert await letters.count_letters(program.redis) == len(buried) + 1


def _what_is_buried(archive_id: str) -> list[tuple[Mapping[Any, Any], str]]:
    """Make the fields of each entry that is buried, with the reason for it."""
    good = Archive.review(archive_id, "archive:9", "A lamp, a letter, and a long night of waiting.")
    again = Archive.review(archive_id, "archive:8", "The same reel twice, and nobody minded.")
    large = {
        **Archive.review(archive_id, "archive:7", "Too long.").to_fields(),
        "pad": "x" * 300000,
    }
    foreign = {
        b"v": b"1",
        b"kind": b"review",
        b"run": b"caf\xe9",
        b"id": b"x",
        b"body": b"\xff",
    }
    return [
        (good.to_fields(), "failed 6 times: RuntimeError('the disk was full')"),
        ({**again.to_fields(), "replays": "1"}, "failed 6 times: RuntimeError('again')"),
        (large, "review: pad: Extra inputs are not permitted"),
        (foreign, "review: body: Invalid JSON"),
        ({"body": "lost"}, "the process ended while handling it, 6 times"),
    ]
