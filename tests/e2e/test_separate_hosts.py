"""The three services on separate hosts: they share only Redis, the snapshots and settings."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.delivery.redis_server import RedisServer
from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.encoder


@contextmanager
def service(name: str, home: Path, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """A service with separate home, working and data folders."""
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MOVIE_SEARCH_DATA_DIR": str(home / "data"),
        **{f"MOVIE_SEARCH_{key.upper()}": str(value) for key, value in settings.items()},
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"],
            cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=90)
            assert code == 0, f"{name} ended with {code}: {(home / 'log').read_text()[-3000:]}"


def healthy(name: str, home: Path, **settings: object) -> bool:
    environment = {
        "PATH": os.environ["PATH"],
        **{f"MOVIE_SEARCH_{key.upper()}": str(value) for key, value in settings.items()},
    }
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}", "--check"], cwd=home, env=environment
    )
    return done.returncode == 0


def test_services_on_separate_hosts(tmp_path: Path, private_redis: RedisServer) -> None:
    token = secrets.token_hex(32)
    redis = {"redis_url": private_redis.url}
    snapshots = {"snapshot_url": f"file://{tmp_path / 'snapshots'}", "lease_dir": tmp_path / "l"}
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        start = stack.enter_context
        query_settings = {
            **redis, **snapshots, "port": port, "admin_token": token, "reload_interval_s": 0.2,
        }  # fmt: skip
        start(service("query", tmp_path / "query", **query_settings))
        client = stack.enter_context(httpx.Client(base_url=base, trust_env=False, timeout=30))

        def alive() -> bool:
            try:
                return client.get("/livez").status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(alive)
        waiting = client.get("/readyz")
        assert waiting.status_code == 503
        headers = {"Authorization": f"Bearer {token}"}
        too_early = client.post("/admin/ingest", json={"source": "demo"}, headers=headers)
        assert too_early.status_code == 503

        start(service("ingest", tmp_path / "ingest", **redis, demo_site_port=0))
        embedder = start(service("embedder", tmp_path / "embedder", **redis, **snapshots))

        def accepted() -> httpx.Response | None:
            answer = client.post("/admin/ingest", json={"source": "demo"}, headers=headers)
            return answer if answer.status_code == 202 else None

        location = wait_until(accepted).headers["Location"]  # type: ignore[union-attr]

        def searchable() -> bool:
            run = client.get(location, headers=headers).json()
            assert run["state"] not in {"failed", "incomplete"}, run
            return bool(run["state"] == "searchable")

        wait_until(searchable, timeout_s=200)
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert healthy("query", tmp_path, **query_settings)
        assert healthy("ingest", tmp_path, **redis)
        assert healthy("embedder", tmp_path, **redis)

        answer = client.get("/search", params={"q": "a shark near the beach", "k": 1}).json()
        assert answer["hits"][0]["movie"]["title"] == "Jaws"
        # No service writes into the folder of another.
        assert (tmp_path / "embedder" / "data" / "movies.sqlite").exists()
        for name in ("ingest", "query"):
            assert not list((tmp_path / name).glob("data/*.sqlite*"))

        # Search still works without Redis and the embedder.
        embedder.send_signal(signal.SIGTERM)
        embedder.wait(timeout=90)
        private_redis.kill()
        without_redis = client.get("/search", params={"q": "a shark near the beach", "k": 1})
        assert without_redis.status_code == 200
        assert without_redis.json()["hits"] == answer["hits"]
        assert client.get("/admin/ingest", headers=headers).status_code == 503
        private_redis.start()
