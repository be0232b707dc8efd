"""Redis with our configuration and start script: permissions and durability."""

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
from shared.settings import CommonSettings, SettingsInvalid
from tests.support.delivery.redis_server import wait_until_ready

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
    """A server that is started as in its container."""

    folder: Path
    script: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> CommonSettings:
        """The settings of a service that uses this server."""
        return CommonSettings(
            redis_url=f"redis://movie-search@127.0.0.1:{self.port}/0",
            redis_password_file=self.folder / "password",
        )

    def client(self) -> Redis:
        """A client with the login of a service."""
        return Redis.from_url(self.settings.require_redis_url(), protocol=2, decode_responses=True)

    def start(self) -> None:
        """Start the server and wait until it answers the user of the healthcheck."""
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
        wait_until_ready(url, self.process)

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
    with running(tmp_path_factory.mktemp("redis")) as running_server:
        yield running_server


def connected(server: Server, user: str, password: str) -> Redis:
    return Redis(
        port=server.port,
        username=user,
        password=password,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
    )


def test_a_service_may_do_everything_except_administer(server: Server) -> None:
    with server.client() as redis:
        redis.xadd("stream", {"a": "1"})
        redis.xgroup_create("stream", "group", id="0")
        assert redis.eval("return redis.call('XLEN', KEYS[1])", 1, "stream") == 1
        redis.publish("channel", "1")
        for command in ("FLUSHALL", "CONFIG GET dir", "ACL LIST", "SHUTDOWN", "KEYS *"):
            with pytest.raises(NoPermissionError):
                redis.execute_command(*command.split())


def test_the_healthcheck_may_only_ping(server: Server) -> None:
    with connected(server, "health", "none") as redis:
        assert redis.ping()
        for command in ("GET x", "XADD s * a 1", "EVAL 1 0", "PUBLISH c 1", "INFO"):
            with pytest.raises(NoPermissionError):
                redis.execute_command(*command.split())


@pytest.mark.parametrize(("user", "password"), [("movie-search", "wrong"), ("default", "x")])
def test_other_users_may_do_nothing(server: Server, user: str, password: str) -> None:
    with connected(server, user, password) as redis, pytest.raises(AuthenticationError):
        redis.ping()


def after_a_crash(server: Server) -> list[str]:
    """Write a key in each way that services do, crash; returns the keys that still exist."""
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


def test_acknowledged_writes_survive_a_crash(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert after_a_crash(server) == ["plain", "transaction", "stream", "script", "script2"]


def test_the_default_user_has_every_permission_and_is_disabled() -> None:
    """Without these permissions, servers before redis/redis#14541 fail the test above."""
    lines = [line for line in SCRIPT.splitlines() if line.startswith("user default ")]
    assert lines == ["user default reset allcommands allkeys allchannels"]


def losing_options(config: str) -> list[str]:
    """The options of a configuration that would lose entries."""
    lines = [line for line in config.splitlines() if line and not line.startswith("#")]
    options = {key: value for key, _, value in (line.partition(" ") for line in lines)}
    wrong = [key for key, value in KEPT.items() if options.get(key) != value]
    return wrong + [key for key in ("maxmemory", "bind") if key not in options] + [
        key for key in ("requirepass", "user", "aclfile") if key in options
    ]  # fmt: skip


def test_the_configuration_loses_nothing() -> None:
    assert losing_options(CONFIG) == []


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
    assert losing_options(CONFIG.replace(old, new))


def test_a_missing_password_is_one_line(tmp_path: Path) -> None:
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
def test_the_password_of_the_file_is_added_to_the_url(tmp_path: Path, url: str, whole: str) -> None:
    (tmp_path / "password").write_text("a/b@c\n")
    settings = CommonSettings(redis_url=url, redis_password_file=tmp_path / "password")
    assert settings.require_redis_url() == whole
    assert "a/b" not in repr(settings)


def test_a_password_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    settings = CommonSettings(redis_url="redis://redis", redis_password_file=tmp_path / "password")
    with pytest.raises(SettingsInvalid, match="REDIS_PASSWORD_FILE: cannot read"):
        settings.require_redis_url()
    (tmp_path / "password").write_text("\n")
    with pytest.raises(SettingsInvalid, match=r"REDIS_PASSWORD_FILE: .* is empty"):
        settings.read_redis_url()
    assert CommonSettings(redis_password_file=tmp_path / "password").read_redis_url() is None
