"""Which Redis servers are refused, with which line, and how soon: each on a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.delivery import dead_letters, heartbeats, keys
from shared.delivery.pending import PendingList
from shared.delivery.redis_check import (
    COMMANDS,
    RedisUnusable,
    check_redis,
    wait_for_redis,
    warn_of_unusable_redis,
)
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import Entry, EntryInvalid, StreamConsumer, Unavailable, append
from shared.runs import activation_requests, registry
from shared.runs.activation_requests import new_activation
from shared.runs.unread_list import UnreadExample, add_examples, list_examples
from tests.support.counts import Counted
from tests.support.delivery.messages import small_run
from tests.support.delivery.tcp_redis import tcp_redis, tls_before
from tests.support.ports import free_port
from tests.support.waiting import async_wait_until

WITHIN_S = 8.0
USERS = """
user movie-search on >right ~* &* +@all -@admin -@dangerous
user keyless on >right ~app:* &* +@all
user silent on >right ~* resetchannels +@all
user scriptless on >right ~* &* +@all -eval
user streamless on >right ~* &* +@all -xautoclaim -xgroup
user pinging on >right ~* &* -@all +ping
user reading on >right %R~* &* +@all
"""


@dataclass(frozen=True)
class Fault:
    """A server that cannot do the work, and what is to be said of it."""

    name: str
    options: str
    url: str
    """With ``PORT`` for the port of the server."""
    said: tuple[str, ...]
    has_tls: bool = False


def _faults() -> list[Fault]:
    plain = "redis://127.0.0.1:PORT/0"

    def user(name: str) -> str:
        return f"redis://{name}:right@127.0.0.1:PORT/0"

    return [
        Fault("cluster mode", "cluster-enabled yes", plain, ("a cluster", "cluster-enabled no")),
        Fault("a command is missing", 'rename-command XAUTOCLAIM ""', plain,
              ("no command XAUTOCLAIM", "too old", "version 7")),
        Fault("before version 6", 'rename-command HELLO ""', plain, ("too old", "version 7")),
        Fault("a replica", "replicaof 127.0.0.1 1", plain, ("a read-only replica",)),
        Fault("no password", "requirepass right", plain,
              ("asks for a password", "MOVIE_SEARCH_REDIS_PASSWORD_FILE")),
        Fault("a wrong password", "requirepass right", "redis://:wrong@127.0.0.1:PORT/0",
              ("refuses the user and the password", "MOVIE_SEARCH_REDIS_URL")),
        Fault("an unknown user", USERS, "redis://nobody:right@127.0.0.1:PORT/0",
              ("refuses the user and the password",)),
        Fault("other keys only", USERS, user("keyless"), ("user keyless", "key", "~*")),
        Fault("no channels", USERS, user("silent"), ("may not run PUBLISH, SUBSCRIBE", "&*")),
        Fault("no scripts", USERS, user("scriptless"), ("'eval'", "+@all")),
        Fault("no groups", USERS, user("streamless"),
              ("may not run XAUTOCLAIM, XGROUP CREATE, XGROUP SETID;", "+@all")),
        Fault("ping only", USERS, user("pinging"), ("user pinging is refused", "+@all")),
        Fault("reading only", USERS, user("reading"), ("user reading is refused", "~*")),
        Fault("a database that is not there", "databases 1", "redis://127.0.0.1:PORT/3",
              ("DB index is out of range",)),
        Fault("TLS for a plain server", "", "rediss://127.0.0.1:PORT/0",
              ("does not use TLS", "redis://")),
        Fault("no TLS for a TLS server", "", plain, ("accepts TLS only", "rediss://"),
              has_tls=True),
        Fault("an untrusted certificate", "", "rediss://127.0.0.1:PORT/0",
              ("certificate is not trusted", "SSL_CERT_FILE"), has_tls=True),
    ]  # fmt: skip


async def _refusal(url: str) -> tuple[str, float]:
    """The line with which a server is refused, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(RedisUnusable) as refused:
        await check_redis(url)
    return str(refused.value), time.monotonic() - began


async def test_each_fault_is_said_in_a_line_within_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], counted: Counted
) -> None:
    faults = _faults()
    for fault in faults:
        folder = tmp_path / fault.name.replace(" ", "-")
        async with AsyncExitStack() as servers:
            port = servers.enter_context(tcp_redis(folder, fault.options))
            if fault.has_tls:
                port = await servers.enter_async_context(tls_before(port, folder))
            line, seconds = await _refusal(fault.url.replace("PORT", str(port)))
        assert line.startswith(f"Redis at 127.0.0.1:{port} cannot be used: ")
        for part in fault.said:
            assert part in line, fault.name
        assert "\n" not in line
        assert "right" not in line, "no password is in a message"
        assert seconds < WITHIN_S
        shown = line.replace(str(port), "PORT")
        with capsys.disabled():
            print(f"\n{fault.name} | {shown} | {seconds:.1f} s", end="")
    counted("servers that cannot do the work", len(faults))


@contextmanager
def _web_server() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def _greeting(greeting: bytes) -> Iterator[int]:
    """A server that speaks first, as mail and shell servers do."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    connection.sendall(greeting)
                except OSError:
                    return
                held.append(connection)

        held: list[socket.socket] = []
        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.parametrize(
    "server", [_web_server, lambda: _greeting(b"SSH-2.0-OpenSSH_9.2\r\n")], ids=["web", "shell"]
)
async def test_what_is_no_redis_at_all(
    server: Callable[[], AbstractContextManager[int]], scheme: str
) -> None:
    with server() as port:
        line, seconds = await _refusal(f"{scheme}://127.0.0.1:{port}/0")
    assert "is not Redis; check the host and the port" in line
    assert seconds < WITHIN_S


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{port}", "unix:///nowhere/redis.sock"])
async def test_an_unreachable_server_may_come_yet(url: str) -> None:
    began = time.monotonic()
    with capture_logs() as logs, pytest.raises(UNAVAILABLE, match="Redis at "):
        await wait_for_redis(url.format(port=free_port()), give_up_after_s=1.0)
    assert time.monotonic() - began < WITHIN_S
    assert logs[0]["event"] == "redis unavailable, retrying"
    assert "Redis at " in logs[0]["error"]


async def test_a_server_that_says_nothing_may_be_busy() -> None:
    began = time.monotonic()
    with _greeting(b"") as port, pytest.raises(UNAVAILABLE):
        await check_redis(f"redis://127.0.0.1:{port}")
    assert time.monotonic() - began < 4 * WITHIN_S


@pytest.mark.parametrize(
    ("options", "user"),
    [("", ""), (USERS, "movie-search:right@"), ("requirepass right", ":right@")],
    ids=["open", "user", "password"],
)
async def test_a_server_that_can_do_the_work_is_not_changed(
    tmp_path: Path, options: str, user: str
) -> None:
    with tcp_redis(tmp_path / "redis", options) as port:
        url = f"redis://{user}127.0.0.1:{port}/0"
        with capture_logs() as logs:
            await wait_for_redis(url)
            await warn_of_unusable_redis(url)
        assert logs == []
        assert await _keys(url) == []


async def _keys(url: str) -> list[str]:
    redis = connect(url)
    try:
        return [key async for key in redis.scan_iter()]
    finally:
        await redis.aclose()


@pytest.mark.parametrize(
    ("policy", "memory", "is_said"),
    [
        ("noeviction", "50mb", False),
        ("allkeys-lru", "50mb", True),
        ("allkeys-random", "50mb", True),
        ("volatile-lru", "50mb", False),  # deletes what expires anyway
        ("allkeys-lru", "0", False),  # no limit, so nothing is deleted
    ],
)
async def test_a_server_that_may_delete_reviews_is_named(
    tmp_path: Path, policy: str, memory: str, is_said: bool
) -> None:
    options = f"maxmemory-policy {policy}\nmaxmemory {memory}"
    with tcp_redis(tmp_path / "redis", options) as port, capture_logs() as logs:
        await check_redis(f"redis://127.0.0.1:{port}/0")
    expected = ["redis may delete reviews in transit"] if is_said else []
    assert [log["event"] for log in logs] == expected


def _rule(line: str, sign: str) -> tuple[str, str]:
    """A command as the line of a refusal names it, and the rule for it of an ACL."""
    words = line.split()[: 2 if line.startswith(("XGROUP", "XINFO")) else 1]
    return " ".join(words), sign + "|".join(words).lower()


async def test_each_command_that_a_user_lacks_is_named(tmp_path: Path) -> None:
    rules = [_rule(line, "-") for line in COMMANDS]
    users = [
        f"user some{number} on >right ~* &* +@all {rule}" for number, (_, rule) in enumerate(rules)
    ]
    with tcp_redis(tmp_path / "redis", "\n".join(users)) as port:
        for number, (name, _) in enumerate(rules):
            line, _ = await _refusal(f"redis://some{number}:right@127.0.0.1:{port}/0")
            assert f"may not run {name};" in line or f"run the '{name.lower()}' command" in line


async def test_the_services_need_no_other_command(tmp_path: Path) -> None:
    """What they do with Redis, done by a user who may run only the commands asked for."""
    rules = " ".join(_rule(line, "+")[1] for line in COMMANDS)
    user = f"user some on >right ~* &* -@all +auth +select +client {rules}"
    with tcp_redis(tmp_path / "redis", user) as port:
        url = f"redis://some:right@127.0.0.1:{port}/0"
        await wait_for_redis(url)
        redis = connect(url)
        try:
            await _work(redis, url)
        finally:
            await redis.aclose()


async def _work(redis: Client, url: str) -> None:
    await registry.publish_sources(redis, ["demo"])
    await heartbeats.beat(redis, "embedder", ttl_s=60)
    assert await heartbeats.is_alive_here(redis, "embedder")
    run, _ = await registry.request_run(redis, "demo", idempotency_key="once")
    assert await registry.take_lease(redis, run.run_id, "holder", lease_ms=1000)
    await registry.advance(redis, run, "crawling")
    await registry.set_fields(redis, run.run_id, movies=1)
    await add_examples(redis, run.run_id, [UnreadExample(kind="row", where="1", why="torn")])
    assert len(await list_examples(redis, run.run_id)) == 1
    await registry.release_lease(redis, run.run_id, "holder")
    await redis.hset(keys.run_key("odd"), mapping={"state": "nonsense"})
    await redis.sadd(keys.ACTIVE_RUNS, "odd")
    assert [active.run_id for active in await registry.active_runs(redis)] == [run.run_id]
    assert [known.run_id for known in await registry.list_runs(redis)] == [run.run_id]
    await registry.advance(redis, run, "searchable")
    assert await registry.last_ended_run(redis, "demo")
    await registry.restore_ended(redis, run, "incomplete", error="lost")

    activation = new_activation("00000001-5d2e8dcd")
    await activation_requests.record(redis, activation)
    assert await activation_requests.next_queued(redis)
    await activation_requests.conclude(redis, activation)
    async with redis.pubsub() as subscription:
        await subscription.subscribe(keys.SNAPSHOTS_CHANNEL)
        await redis.publish(keys.SNAPSHOTS_CHANNEL, "00000001-5d2e8dcd")
        await subscription.ping()

    await append(redis, keys.REVIEWS_STREAM, [message.to_fields() for message in small_run(2, 1)])
    for name in ("dead", "alive"):
        await _consume(redis, url, name)
    letters = await dead_letters.list_letters(redis)
    assert len(letters) == 2
    assert (await dead_letters.replay(redis, [letters[0].id])).replayed == 1
    assert await dead_letters.get_letter(redis, letters[1].id)
    assert await dead_letters.newest_id(redis) == letters[1].id
    assert await dead_letters.discard(redis, letters[1].id)


async def _consume(redis: Client, url: str, name: str) -> None:
    """Consume as the service does; the first consumer leaves what it was given, as if killed."""
    if name == "dead":
        await PendingList(redis, keys.REVIEWS_STREAM, keys.EMBEDDER_GROUP, name).ensure_group()
        await redis.xreadgroup(keys.EMBEDDER_GROUP, name, {keys.REVIEWS_STREAM: ">"}, count=2)
        return
    stop = asyncio.Event()
    failures = 0

    async def handle(entries: Sequence[Entry]) -> None:
        nonlocal failures
        for entry in entries:
            if entry.fields["kind"] == "review":
                raise EntryInvalid(entry, "refused by the test")
        failures += 1
        if failures == 1:
            raise Unavailable("for once")

    async def note(entry: Entry, reason: str) -> None:
        """Nothing has to be counted."""

    consumer = StreamConsumer(
        url=url, stream=keys.REVIEWS_STREAM, group=keys.EMBEDDER_GROUP, name=name, handle=handle,
        on_dead=note, dead_stream=keys.DEAD_LETTERS_STREAM, block_ms=50, min_idle_ms=1,
    )  # fmt: skip
    task = asyncio.create_task(consumer.run(stop))

    async def drained() -> bool:
        assert not task.done(), task.exception()
        return int(await redis.xlen(keys.REVIEWS_STREAM)) == 0

    await async_wait_until(drained)
    stop.set()
    await task
