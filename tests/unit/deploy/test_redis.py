"""The configured Redis, started by its own script: who may do what, and that it keeps all."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from services.local import redis_server
from shared.settings import Settings, SettingsInvalid

DEPLOY = Path(__file__).parents[3] / "deploy"
CONFIG = (DEPLOY / "redis.conf").read_text()
SCRIPT = (DEPLOY / "start_redis.sh").read_text()
PASSWORD = "p@ss/w:rd%#é"
KEPT = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "databases": "1",
}


@dataclass
class Server:
    """A server as its container starts it."""

    folder: Path
    script: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """The settings of a service that uses it."""
        return Settings(
            redis_url=f"redis://movie-search@127.0.0.1:{self.port}/0",
            redis_password_file=self.folder / "password",
        )

    def client(self) -> Redis:
        """Connected as a service is."""
        return Redis.from_url(self.settings.require_redis_url(), protocol=2, decode_responses=True)

    def start(self) -> None:
        """Start it and wait until the healthcheck's user is answered."""
        self.process = subprocess.Popen(
            ["sh", "-c", self.script, "start-redis", "--port", str(self.port),
             "--bind", "127.0.0.1"],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "REDIS_CONFIG": str(DEPLOY / "redis.conf"),
                "REDIS_PASSWORD_FILE": str(self.folder / "password"),
            },
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        url = f"redis://health:none@127.0.0.1:{self.port}"
        redis_server.wait_until_ready(url, self.process)

    def kill(self) -> None:
        """Kill -9, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def running(folder: Path, script: str = SCRIPT) -> Iterator[Server]:
    (folder / "redis-server").symlink_to(redis_server.find_server())
    (folder / "password").write_text(f"{PASSWORD}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(folder, script, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("redis")) as found:
        yield found


def connected(server: Server, user: str, password: str) -> Redis:
    return Redis(
        port=server.port,
        username=user,
        password=password,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
    )


def test_a_service_may_do_all_but_administer(server: Server) -> None:
    with server.client() as redis:
        redis.xadd("stream", {"a": "1"})
        redis.xgroup_create("stream", "group", id="0")
        assert redis.eval("return redis.call('XLEN', KEYS[1])", 1, "stream") == 1
        redis.publish("channel", "1")
        for command in ("FLUSHALL", "CONFIG GET dir", "ACL LIST", "SHUTDOWN", "KEYS *"):
            with pytest.raises(NoPermissionError):
                redis.execute_command(*command.split())


def test_the_healthcheck_may_ping_and_nothing_else(server: Server) -> None:
    with connected(server, "health", "none") as redis:
        assert redis.ping()
        for command in ("GET x", "XADD s * a 1", "EVAL 1 0", "PUBLISH c 1", "INFO"):
            with pytest.raises(NoPermissionError):
                redis.execute_command(*command.split())


@pytest.mark.parametrize(("user", "password"), [("movie-search", "wrong"), ("default", "x")])
def test_nobody_else_may_do_anything(server: Server, user: str, password: str) -> None:
    with connected(server, user, password) as redis, pytest.raises(AuthenticationError):
        redis.ping()


def after_a_crash(server: Server) -> list[str]:
    """The keys that are there after a crash, of one written in each way that we write."""
    with server.client() as redis:
        redis.set("plain", "1")
        with redis.pipeline(transaction=True) as pipeline:
            pipeline.set("transaction", "1").xadd("stream", {"a": "1"}).execute()
        redis.eval("redis.call('SET', 'script', 1) redis.call('SET', 'script2', 1)", 0)
    server.kill()
    server.start()
    with server.client() as redis:
        names = ("plain", "transaction", "stream", "script", "script2")
        return [name for name in names if redis.exists(name)]


def test_all_that_was_acknowledged_is_there_after_a_crash(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert after_a_crash(server) == ["plain", "transaction", "stream", "script", "script2"]


def test_the_default_user_may_all_and_is_nobody() -> None:
    """Servers before redis/redis#14541 lose transactions in the test above without it."""
    lines = [line for line in SCRIPT.splitlines() if line.startswith("user default ")]
    assert lines == ["user default reset allcommands allkeys allchannels"]


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
