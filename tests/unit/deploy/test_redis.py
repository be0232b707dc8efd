"""The configured Redis, started by its own script: who may do what, and that it keeps all."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from services import embedded_redis
from shared.settings import Settings, SettingsInvalid

DEPLOY = Path(__file__).parents[3] / "deploy"
CONFIG = (DEPLOY / "redis.conf").read_text()
PASSWORD = "p@ss/w:rd%#é"
KEPT = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "databases": "1",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The server as its container starts it; yields a service's settings."""
    folder = tmp_path_factory.mktemp("redis")
    (folder / "redis-server").symlink_to(embedded_redis.find_server())
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["sh", str(DEPLOY / "start_redis.sh"), "--port", str(port), "--bind", "127.0.0.1"],
        cwd=folder,
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "REDIS_CONFIG": str(DEPLOY / "redis.conf"),
            "REDIS_PASSWORD_FILE": str(password),
        },
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        embedded_redis.wait_until_ready(f"redis://health:none@127.0.0.1:{port}", process)
        yield Settings(
            redis_url=f"redis://movie-search@127.0.0.1:{port}/0", redis_password_file=password
        )
    finally:
        process.terminate()
        process.wait(timeout=20)


def connected(server: Settings, user: str, password: str) -> Redis:
    port = re.search(r":(\d+)/", server.require_redis_url())
    assert port is not None
    return Redis(
        port=int(port.group(1)),
        username=user,
        password=password,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
    )


def test_a_service_may_do_all_but_administer(server: Settings) -> None:
    with Redis.from_url(server.require_redis_url(), protocol=2) as redis:
        redis.xadd("stream", {"a": "1"})
        redis.xgroup_create("stream", "group", id="0")
        assert redis.eval("return redis.call('XLEN', KEYS[1])", 1, "stream") == 1
        redis.publish("channel", "1")
        for command in ("FLUSHALL", "CONFIG GET dir", "ACL LIST", "SHUTDOWN", "KEYS *"):
            with pytest.raises(NoPermissionError):
                redis.execute_command(*command.split())


def test_the_healthcheck_may_ping_and_nothing_else(server: Settings) -> None:
    with connected(server, "health", "none") as redis:
        assert redis.ping()
        for command in ("GET x", "XADD s * a 1", "EVAL 1 0", "PUBLISH c 1", "INFO"):
            with pytest.raises(NoPermissionError):
                redis.execute_command(*command.split())


@pytest.mark.parametrize(("user", "password"), [("movie-search", "wrong"), ("default", "x")])
def test_nobody_else_may_do_anything(server: Settings, user: str, password: str) -> None:
    with connected(server, user, password) as redis, pytest.raises(AuthenticationError):
        redis.ping()


def lost(config: str) -> list[str]:
    """What of a configuration would lose entries."""
    lines = [line for line in config.splitlines() if line and not line.startswith("#")]
    found = {key: value for key, _, value in (line.partition(" ") for line in lines)}
    wrong = [key for key, value in KEPT.items() if found.get(key) != value]
    return wrong + [key for key in ("maxmemory", "bind") if key not in found] + [
        key for key in ("requirepass", "user", "aclfile") if key in found
    ]  # fmt: skip


def test_the_configuration_loses_nothing() -> None:
    assert lost(CONFIG) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("appendfsync always", "appendfsync everysec"),
        ("appendonly yes", "appendonly no"),
        ("noeviction", "allkeys-lru"),
        ("maxmemory 256mb\n", ""),
        ("databases 1", "requirepass hunter2"),
    ],
)
def test_a_configuration_that_loses_is_caught(old: str, new: str) -> None:
    assert old in CONFIG
    assert lost(CONFIG.replace(old, new))


def test_a_missing_password_is_told_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", str(DEPLOY / "start_redis.sh")],
        env={"PATH": os.environ["PATH"], "REDIS_PASSWORD_FILE": str(tmp_path / "none")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == f"redis: {tmp_path}/none is missing or empty\n"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("redis://redis:6379/0", "redis://:a%2Fb%40c@redis:6379/0"),
        ("rediss://user:old@redis/1?x=1", "rediss://user:a%2Fb%40c@redis/1?x=1"),
        ("unix:///run/redis.sock", "unix://:a%2Fb%40c@/run/redis.sock"),
    ],
)
def test_the_password_of_a_file_is_put_into_the_url(tmp_path: Path, url: str, whole: str) -> None:
    (tmp_path / "password").write_text("a/b@c\n")
    settings = Settings(redis_url=url, redis_password_file=tmp_path / "password")
    assert settings.require_redis_url() == whole
    assert "a/b" not in repr(settings)


def test_a_password_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(redis_url="redis://redis", redis_password_file=tmp_path / "password")
    with pytest.raises(SettingsInvalid, match="REDIS_PASSWORD_FILE: cannot read"):
        settings.require_redis_url()
    (tmp_path / "password").write_text("\n")
    with pytest.raises(SettingsInvalid, match=r"REDIS_PASSWORD_FILE: .* is empty"):
        settings.read_redis_url()
    assert Settings(redis_password_file=tmp_path / "password").read_redis_url() is None
