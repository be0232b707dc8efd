"""Lua scripts with named keys and arguments, on a real server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from redis.exceptions import OutOfMemoryError, ResponseError

from shared.delivery import dead_letters, pending
from shared.delivery.lua import Key, Script
from shared.delivery.redis_client import Client, connect
from shared.runs import registry, run_scripts
from tests.support.delivery.redis_server import RedisServer


class Echo(Script[list[str]]):
    """Return what the script was called with."""

    first: Key
    number: int
    names: Sequence[str]
    second: Key
    fields: Mapping[str, str]
    share: float
    text: str

    lua = """
    local reply = {first, second, number, share, text, tostring(#names), tostring(#fields)}
    for _, list in ipairs({names, fields}) do
      for _, value in ipairs(list) do reply[#reply + 1] = value end
    end
    return reply
    """


class Store(Script[str]):
    """Set a key, as scripts may that do not free memory."""

    key: Key
    value: str

    lua = "return redis.call('SET', key, value)"


class StoreAllowingOom(Script[str]):
    """The same, by a script that may run on a server that is out of memory."""

    key: Key
    value: str

    lua = """#!lua flags=allow-oom
    return redis.call('SET', key, value)
    """


class Broken(Script[int]):
    """Fail when it runs."""

    key: Key

    lua = "return redis.call('INCR', key)"


def echo(**changes: object) -> Echo:
    values: dict[str, object] = {
        "first": "a", "second": "b", "number": 3, "share": 0.5, "text": "",
        "names": ["x", "y"], "fields": {"k": "v", "k2": ""},
    }  # fmt: skip
    return Echo(**{**values, **changes})  # type: ignore[arg-type]


async def executed(redis: Client) -> dict[str, int]:
    """How often each scripting command was called, refused ones included."""
    stats = await redis.info("commandstats")
    return {name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha")}


async def test_keys_and_arguments_have_their_names(redis: Client) -> None:
    reply = await echo().run(redis)
    assert reply == ["a", "b", "3", "0.5", "", "2", "4", "x", "y", "k", "v", "k2", ""]


async def test_collections_may_be_empty_or_hold_any_bytes(redis: Client) -> None:
    odd = "--\udcff\x00\n"
    reply = await echo(names=[], fields={odd: odd}, text=odd).run(redis)
    assert reply == ["a", "b", "3", "0.5", odd, "0", "2", odd, odd]


async def test_the_text_is_sent_only_to_a_server_that_does_not_know_it(redis: Client) -> None:
    await redis.script_flush()
    await redis.config_resetstat()
    for _ in range(3):
        await echo().run(redis)
    assert await executed(redis) == {"eval": 1, "evalsha": 3}
    await redis.script_flush()
    assert await echo().run(redis)
    assert await executed(redis) == {"eval": 2, "evalsha": 4}


async def test_a_pipeline_works_without_the_script_on_the_server(redis: Client) -> None:
    await redis.script_flush()
    pipeline = redis.pipeline(transaction=False)
    for number in range(2):
        echo(number=number).queue(pipeline)
    assert [reply[2] for reply in await pipeline.execute()] == ["0", "1"]


async def test_an_error_of_the_script_is_raised_and_not_retried(redis: Client) -> None:
    await redis.set("key", "text")
    with pytest.raises(ResponseError, match="not an integer"):
        await Broken(key="key").run(redis)


async def test_only_scripts_with_the_flag_run_without_memory(private_redis: RedisServer) -> None:
    client = connect(private_redis.url)
    try:
        await client.config_set("maxmemory", 1)
        for _ in range(2):  # by its text, then by its hash
            assert await StoreAllowingOom(key="a", value="1").run(client)
        with pytest.raises(OutOfMemoryError):
            await Store(key="b", value="1").run(client)
    finally:
        await client.aclose()


def scripts() -> list[type[Script[object]]]:
    return [
        value
        for module in (dead_letters, pending, run_scripts)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Script) and value is not Script
    ]


@pytest.mark.parametrize("script", scripts())
async def test_every_script_is_valid_lua(redis: Client, script: type[Script[object]]) -> None:
    assert await redis.script_load(script.TEXT) == script.SHA1


async def test_runs_go_on_over_a_flush_between_any_two_scripts(redis: Client) -> None:
    run, _ = await registry.request_run(redis, "demo")
    await redis.script_flush()
    assert await registry.take_lease(redis, run.run_id, "me", lease_ms=60_000)
    await redis.script_flush()
    assert await registry.advance(redis, run, "crawling")
    await redis.script_flush()
    assert await registry.set_fields(redis, run.run_id, crawled=3)
    await redis.script_flush()
    assert await registry.advance(redis, run, "searchable", snapshot_id="s")
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    assert (record.state, record.crawled, record.snapshot_id) == ("searchable", 3, "s")
