"""Whether a Redis server can do the work of the services: asked at their start.

A server that answers may still be the wrong one: a cluster, a replica, one that is too old, a user
without a permission, another program on the port. Each of these would show itself later, in a
request or in the middle of a crawl, and waiting does not mend it. ``check_redis`` finds them within
seconds and says in one line what to do.

The check writes nothing. It runs one script with the keys of all kinds that the services use, which
a cluster refuses because they are not in one slot, and the script asks the server whether the user
may run each command.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ClusterCrossSlotError,
    InvalidResponse,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)

from shared.delivery import keys
from shared.delivery.lua import Key, Script
from shared.delivery.redis_client import UNAVAILABLE, Client, until_available
from shared.settings import PREFIX
from shared.system.retry import Backoff
from shared.telemetry import get_logger

__all__ = ["COMMANDS", "RedisUnusable", "check_redis", "wait_for_redis", "warn_of_unusable_redis"]

STEP_TIMEOUT_S = 3.0
_PORT = 6379
_TLS_ALERT = b"\x15\x03"
_SAMPLE: Final = "check"  # stands for any id in a key

COMMANDS = (
    "DEL lease:check",
    "EVAL return 0",
    "EVALSHA 0 0",
    "EXEC",
    "EXISTS heartbeat:check",
    "EXPIRE activation:check 1",
    "GET lease:check",
    "HGET run:check state",
    "HGETALL run:check",
    "HSET run:check state queued",
    "LINDEX activations.queued 0",
    "LREM activations.queued 0 check",
    "MULTI",
    "PING",
    "PUBLISH snapshots check",
    "RENAME run:check unreadable:check",
    "RPUSH activations.queued check",
    "SADD sources check",
    "SET lease:check holder",
    "SISMEMBER runs.active check",
    "SMEMBERS runs.active",
    "SREM runs.active check",
    "SUBSCRIBE snapshots",
    "XACK reviews embedder 0-1",
    "XADD reviews * kind check",
    "XAUTOCLAIM reviews embedder check 1 0-0",
    "XCLAIM reviews embedder check 0 0-1",
    "XDEL reviews 0-1",
    "XGROUP CREATE reviews embedder 0",
    "XGROUP SETID reviews embedder 0",
    "XINFO GROUPS reviews",
    "XLEN reviews",
    "XPENDING reviews embedder",
    "XRANGE reviews - +",
    "XREADGROUP GROUP embedder check STREAMS reviews >",
    "XREVRANGE reviews + -",
    "ZADD runs 0 check",
    "ZRANGE runs 0 0",
    "ZREM runs check",
    "ZREMRANGEBYRANK runs 0 0",
    "ZREVRANGE runs 0 0",
)
"""An example of each command that the services use; a test runs them as a user with only these."""

_MISTAKES = {
    "cluster": "it is a cluster, whose keys are on several servers; use a server with "
    "`cluster-enabled no`",
    "old": "it is too old; use Redis or Valkey of version 7 or newer",
    "replica": "it is a read-only replica; use the server that it copies",
    "sentinel": "it is a Sentinel, which holds no data; use the server that it watches",
    "stranger": "what answers there is not Redis; check the host and the port",
    "no TLS": "it does not use TLS; begin the URL with redis:// instead of rediss://",
    "TLS": "it accepts TLS only; begin the URL with rediss:// instead of redis://",
}
_SET_PASSWORD = f"check {PREFIX}REDIS_URL and {PREFIX}REDIS_PASSWORD_FILE"
# Replies of a server that may accept a command later.
_TEMPORARY = ("BUSY", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "TRYAGAIN")


class RedisUnusable(Exception):
    """Raised at start when a Redis server cannot do the work, and waiting would not help.

    The message is one line that says what to do.
    """


class _AskPermissions(Script[list[str]]):
    """The commands that the user may not run, and those that the server does not have."""

    streams: Key
    dead_letters: Key
    commands_stream: Key
    dead_commands: Key
    runs: Key
    active_runs: Key
    sources: Key
    activations: Key
    run_record: Key
    unreadable: Key
    unread: Key
    lease: Key
    active: Key
    last: Key
    requested: Key
    idempotency: Key
    activation: Key
    heartbeat: Key
    commands: Sequence[str]

    lua = """#!lua flags=allow-oom
    local refused = {}
    for _, line in ipairs(commands) do
      local words = {}
      for word in string.gmatch(line, '%S+') do words[#words + 1] = word end
      local is_known, is_allowed = pcall(redis.acl_check_cmd, unpack(words))
      if not is_known then refused[#refused + 1] = 'unknown ' .. line end
      if is_known and not is_allowed then refused[#refused + 1] = 'denied ' .. line end
    end
    return refused
    """


async def check_redis(url: str) -> None:
    """Check that a server can do the work of the services.

    Warns of a server that may delete entries to free memory: what it deletes is noticed, and has to
    be crawled again.

    Args:
        url: The server's URL, with the password if it has one.

    Raises:
        RedisUnusable: the server cannot do the work; one line says what to do.
        One of ``UNAVAILABLE``: it cannot be reached, or is not ready yet.
    """
    redis: Client = Redis.from_url(
        url,
        protocol=2,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=STEP_TIMEOUT_S,
        socket_connect_timeout=STEP_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        await _ask(redis, url)
        await _warn_of_eviction(redis, url)
    except (RedisError, OSError) as error:
        await _explain(error, url)
    finally:
        with suppress(*UNAVAILABLE):
            await redis.aclose()


async def wait_for_redis(
    url: str, *, stop: asyncio.Event | None = None, give_up_after_s: float = math.inf
) -> None:
    """Wait until a server can do the work, with a warning at once while it cannot be reached.

    Args:
        url: The server's URL.
        stop: When set, there is one more attempt.
        give_up_after_s: No attempt begins later than this.

    Raises:
        RedisUnusable: the server cannot do the work.
        One of ``UNAVAILABLE``: it could not be reached until then.
    """
    await until_available(
        lambda: check_redis(url),
        backoff=Backoff(0.25, 5.0),
        stop=stop,
        give_up_after_s=give_up_after_s,
    )


async def warn_of_unusable_redis(url: str) -> None:
    """Log why a server cannot do the work, for a service that also works without it."""
    try:
        await check_redis(url)
    except (RedisUnusable, *UNAVAILABLE) as error:
        get_logger().error("redis cannot be used", error=str(error))


async def _ask(redis: Client, url: str) -> None:
    about: dict[str, object] = {}
    with suppress(NoPermissionError):  # without it the script says as much
        reply = await redis.execute_command("HELLO", "2")
        about = dict(zip(reply[::2], reply[1::2], strict=False))
    if about.get("mode") in ("cluster", "sentinel"):
        raise _unusable(url, _MISTAKES[str(about["mode"])])
    if about.get("role") in ("replica", "slave"):
        raise _unusable(url, _MISTAKES["replica"])
    script = _AskPermissions(
        streams=keys.REVIEWS_STREAM,
        dead_letters=keys.DEAD_LETTERS_STREAM,
        commands_stream=keys.COMMANDS_STREAM,
        dead_commands=keys.DEAD_COMMANDS_STREAM,
        runs=keys.RUNS,
        active_runs=keys.ACTIVE_RUNS,
        sources=keys.SOURCES,
        activations=keys.ACTIVATIONS_QUEUE,
        run_record=keys.run_key(_SAMPLE),
        unreadable=keys.unreadable_run_key(_SAMPLE),
        unread=keys.unread_key(_SAMPLE),
        lease=keys.run_lease_key(_SAMPLE),
        active=keys.active_run_key(_SAMPLE),
        last=keys.last_run_key(_SAMPLE),
        requested=keys.last_request_key(_SAMPLE),
        idempotency=keys.idempotency_key(_SAMPLE, _SAMPLE),
        activation=keys.activation_key(_SAMPLE),
        heartbeat=keys.heartbeat_key(_SAMPLE),
        commands=COMMANDS,
    )
    refused = await script.run(redis)
    unknown = [_name(line) for line in refused if line.startswith("unknown ")]
    denied = [_name(line) for line in refused if line.startswith("denied ")]
    if len(unknown) == len(COMMANDS):
        return  # a server that cannot be asked, such as one with a Lua of its own
    if unknown:
        raise _unusable(url, f"it has no command {', '.join(unknown)}; {_MISTAKES['old']}")
    if denied:
        raise _unusable(url, _no_permission(url, f"may not run {', '.join(denied)}"))


def _name(line: str) -> str:
    """The command of a line of the script's reply."""
    words = line.split()
    return " ".join(words[1:3]) if words[1] in {"XGROUP", "XINFO"} else words[1]


async def _warn_of_eviction(redis: Client, url: str) -> None:
    """Warn of a server that deletes streams and records when its memory is full."""
    try:
        memory = await redis.info("memory")
    except ResponseError:
        return  # not every user may ask
    policy = str(memory.get("maxmemory_policy", ""))
    if policy.startswith("allkeys") and memory.get("maxmemory"):
        get_logger().warning(
            "redis may delete reviews in transit",
            redis=_address(urlsplit(url)),
            maxmemory_policy=policy,
            remedy="set maxmemory-policy to noeviction",
        )


async def _explain(error: Exception, url: str) -> NoReturn:
    """Raise what an error means.

    Raises:
        RedisUnusable: waiting would not help.
        One of ``UNAVAILABLE``: it may.
    """
    address = urlsplit(url)
    # The client wraps what a server answers while a connection is made.
    reason = error.__cause__ if isinstance(error.__cause__, RedisError) else error
    known = _known_mistake(reason, url) or _untrusted(error)
    if known is None and isinstance(reason, ResponseError):
        if str(reason).startswith(_TEMPORARY) or isinstance(reason, UNAVAILABLE):
            raise RedisConnectionError(f"Redis at {_address(address)}: {reason}") from error
        known = f"it answers: {reason}"
    if known is None and address.scheme != "unix":
        known = await _spoken_there(address)
    if known is None and isinstance(reason, InvalidResponse):
        known = _MISTAKES["stranger"]
    if known is not None:
        raise _unusable(url, known) from error
    raise RedisConnectionError(f"Redis at {_address(address)}: {error}") from error


def _known_mistake(error: BaseException, url: str) -> str | None:
    """What is wrong with a server, when its answer says so."""
    words = str(error)
    if isinstance(error, AuthenticationError) and urlsplit(url).password is None:
        return f"it asks for a password; {_SET_PASSWORD}"
    if isinstance(error, AuthenticationError):
        return f"it refuses the user and the password ({words}); {_SET_PASSWORD}"
    if isinstance(error, ClusterCrossSlotError):
        return _MISTAKES["cluster"]
    if isinstance(error, ReadOnlyError):
        return _MISTAKES["replica"]
    if isinstance(error, NoPermissionError):
        return _no_permission(url, f"is refused ({words})")
    is_old = "unknown command" in words.lower() or "compiling script" in words.lower()
    return _MISTAKES["old"] if is_old else None


def _untrusted(error: BaseException | None) -> str | None:
    """Why a certificate is not trusted, if that is what failed."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    if error is None:
        return None
    return (
        f"its certificate is not trusted ({error.verify_message}); use a certificate that this "
        "machine trusts, or name its authority in SSL_CERT_FILE"
    )


async def _spoken_there(url: SplitResult) -> str | None:
    """What is wrong with the program on a port, if it can be made to answer in any way."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(STEP_TIMEOUT_S):
            answer = await _plain_answer(url)
        if answer.startswith((b"+", b"-")):
            return _MISTAKES["no TLS"] if url.scheme == "rediss" else None
        if answer and not answer.startswith(_TLS_ALERT):
            return _MISTAKES["stranger"]
    if url.scheme == "redis" and await _accepts_tls(url):
        return _MISTAKES["TLS"]
    return None


async def _plain_answer(url: SplitResult) -> bytes:
    """What a program answers to a command of Redis without TLS; at most the first bytes."""
    host, port = url.hostname or "localhost", url.port or _PORT
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"PING\r\n")
        return await reader.read(16)
    finally:
        writer.close()


async def _accepts_tls(url: SplitResult) -> bool:
    context = ssl.create_default_context()
    # Nothing is sent: only whether there is a handshake is of interest.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, port = url.hostname or "localhost", url.port or _PORT
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(STEP_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.close()
        return True
    return False


def _unusable(url: str, why: str) -> RedisUnusable:
    return RedisUnusable(f"Redis at {_address(urlsplit(url))} cannot be used: {why}")


def _no_permission(url: str, what: str) -> str:
    user = unquote(urlsplit(url).username or "default")
    return f"the user {user} {what}; allow it `~* &* +@all -@admin -@dangerous`"


def _address(url: SplitResult) -> str:
    """Where a server is, without its password."""
    if url.scheme == "unix":
        return unquote(url.path)
    return f"{url.hostname or 'localhost'}:{url.port or _PORT}"
