"""What others have written into Redis: no entry and no record may end a service.

An entry of the stream that is no message becomes a dead letter, byte for byte, and a record of a
run that cannot be read is set aside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from services.embedder.settings import EmbedderSettings
from shared.delivery import dead_letters
from shared.delivery.keys import DEAD_LETTERS_STREAM, REVIEWS_STREAM, run_key
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.support.counts import Counted
from tests.support.crawl.supervision import supervising
from tests.support.delivery.messages import run_end, small_run
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import embedder, ended, new_run, send
from tests.support.waiting import async_wait_until

Raw = dict[bytes, bytes]
_WHOLE: Raw = {b"v": b"1", b"kind": b"review", b"run": b"r", b"id": b"x", b"body": b"{}"}

ENTRIES: dict[str, Raw] = {
    "a body that is not UTF-8": {**_WHOLE, b"body": b'{"review": "\xff\xfe"}'},
    "a name that is not UTF-8": {b"\xff\x00": b"\x80"},
    "a run and an id that are not UTF-8": {**_WHOLE, b"run": b"\xff", b"id": b"\xc3\x28"},
    "a run of NUL": {**_WHOLE, b"run": b"\x00"},
    "a run that is too long": {**_WHOLE, b"run": b"r" * 100_000},
    "no version": {name: value for name, value in _WHOLE.items() if name != b"v"},
    "only a name": {b"hello": b""},
    "no body": {name: value for name, value in _WHOLE.items() if name != b"body"},
    "names that are ours": {b"entry": b"1-1", b"reason": b"none", b"truncated": b"\xff"},
    "more fields than fit a script": {b"%d" % n: b"" for n in range(20_000)},
    "a name as large as a page": {b"n" * 1_000_000: b""},
    "a body as large as a page": {**_WHOLE, b"body": b"\xff" * 1_000_000},
}


async def test_an_entry_that_is_no_message_is_a_dead_letter(
    redis: Client, redis_url: str, tmp_path: Path, counted: Counted
) -> None:
    settings = EmbedderSettings(redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1)
    async with _raw(redis_url) as raw:
        for fields in ENTRIES.values():
            await raw.xadd(REVIEWS_STREAM, fields)
        async with embedder(settings, HashEncoder()):
            run = await new_run(redis)
            items = small_run(run_id=run.run_id)
            await send(redis, [*items, run_end(items, run_id=run.run_id)])
            end = await ended(redis, run)
            assert (end.state, end.stored, end.dead_lettered) == ("searchable", 6, 0)

            async def all_dead() -> bool:
                return bool(await redis.xlen(DEAD_LETTERS_STREAM) == len(ENTRIES))

            await async_wait_until(all_dead)
        rows = await raw.xrange(DEAD_LETTERS_STREAM)
        for (_, letter), entry in zip(rows, ENTRIES.values(), strict=True):
            assert letter[b"deliveries"] == b"1"
            if b"truncated" not in letter:
                ours = {b"entry", b"reason", b"deliveries"}
                assert {n: v for n, v in letter.items() if n not in ours} == entry
        # They can be looked at, and sent again, and come back.
        for shown in await dead_letters.list_letters(redis):
            detail = await dead_letters.get_letter(redis, shown.id)
            assert detail is not None
            assert detail.model_dump_json()
        [(letter_id, _)] = rows[:1]
        assert (await dead_letters.replay(redis, [letter_id.decode()])).replayed == 1
        [(_, again)] = await raw.xrange(REVIEWS_STREAM)
        assert again == {**ENTRIES["a body that is not UTF-8"], b"replays": b"1"}
    counted("foreign entries", len(ENTRIES))


def _raw(url: str) -> Any:  # the types of replies say nothing
    return redis.asyncio.Redis.from_url(url, protocol=2)


RECORDS: dict[str, Raw] = {
    "an unknown state": {b"state": b"dreaming"},
    "another run's id": {b"run_id": b"other"},
    "no time": {b"requested_at": b"soon"},
    "a source that is not UTF-8": {b"source": b"\xff"},
}


@pytest.mark.parametrize("broken", [*RECORDS, "no hash", "no field of a run"])
async def test_a_record_that_cannot_be_read_ends_no_service(
    redis: Client, redis_url: str, counted: Counted, broken: str
) -> None:
    run, _ = await registry.request_run(redis, "demo")
    async with _raw(redis_url) as raw:
        if broken in RECORDS:
            await raw.hset(run_key(run.run_id), mapping=RECORDS[broken])
        else:
            await raw.delete(run_key(run.run_id))
            if broken == "no hash":
                await raw.set(run_key(run.run_id), "?")
            else:
                await raw.hset(run_key(run.run_id), mapping={"some": "field"})
    async with supervising(redis):

        async def set_aside() -> bool:
            return not await redis.exists(run_key(run.run_id))

        await async_wait_until(set_aside)
    assert await redis.exists(f"unreadable:{run.run_id}")
    assert await registry.active_runs(redis) == []
    assert await registry.get_run(redis, run.run_id) is None
    assert await registry.list_runs(redis) == []
    again, is_new = await registry.request_run(redis, "demo")  # the source is free
    assert is_new
    assert await registry.advance(redis, again, "crawling")
    counted("unreadable records", 1)


async def test_what_is_not_essential_of_a_record_is_passed_over(redis: Client) -> None:
    run, _ = await registry.request_run(redis, "demo")
    await redis.hset(
        run_key(run.run_id),
        mapping={"stored": "many", "sites": "{", "new": "?", "movies": "7", "trigger": "moon"},
    )
    found = await registry.get_run(redis, run.run_id)
    assert found is not None
    assert (found.state, found.stored, found.movies, found.trigger) == ("queued", 0, 7, "request")
