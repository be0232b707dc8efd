"""The ingest service as the process that is deployed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from shared import runs
from shared.messages import REVIEWS_STREAM, RunEnd, checksum_of_ids, ledger_id, parse
from shared.redis import Client
from shared.runs import Run
from tests.support.redis_server import RedisServer
from tests.support.waiting import async_wait_until, wait_until

COMMAND = [sys.executable, "-m", "services.ingest"]


def _environment(url: str, **settings: object) -> dict[str, str]:
    values = {"redis_url": url, "demo_site_port": 0, **settings}
    return {**os.environ, **{f"MOVIE_SEARCH_{k.upper()}": str(v) for k, v in values.items()}}


@contextmanager
def _service(url: str, **settings: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        COMMAND, env=_environment(url, **settings), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _is_healthy(url: str) -> bool:
    command = [*COMMAND, "--check"]
    return subprocess.run(command, env=_environment(url), timeout=30).returncode == 0


async def _crawl(redis: Client) -> dict[str, str]:
    """Crawl the demo; the bodies of all items by ledger id, after checking them by the ledger."""
    run, _ = await runs.request_run(redis, "demo")

    async def crawled() -> Run | None:
        record = await runs.get_run(redis, run.run_id)
        return record if record is not None and record.state == "embedding" else None

    record = await async_wait_until(crawled, timeout_s=60)
    assert record is not None
    assert (record.movies, record.crawled) == (132, 660)
    bodies = {}
    ends = []
    for _, fields in await redis.xrange(REVIEWS_STREAM):
        message = parse(fields)
        if isinstance(message, RunEnd):
            ends.append(message)
        else:
            bodies[ledger_id(message.kind, message.item_id)] = fields["body"]
    [end] = ends
    assert (end.emitted, end.checksum) == (792, checksum_of_ids(bodies))
    await runs.advance(redis, run, "searchable")
    await redis.delete(REVIEWS_STREAM)
    return bodies


async def test_the_demo_is_crawled_whole_and_alike_each_time(redis: Client, redis_url: str) -> None:
    assert not _is_healthy(redis_url)
    with _service(redis_url) as service:
        first = await _crawl(redis)
        assert sum(name.startswith("movie/") for name in first) == 132
        assert sum(name.startswith("review/") for name in first) == 660
        assert _is_healthy(redis_url)
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=20) == 0
    with _service(redis_url):  # on another port, as 0 takes a free one
        second = await _crawl(redis)
    assert set(second) == set(first)


async def test_a_crawl_does_not_outlive_a_killed_service(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    # A crawl that waits for room in the stream would wait for ever, as nobody reads it.
    rows = [{"movie_id": "tt0000001", "review_id": n, "text": "Fine."} for n in range(500)]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    sources = tmp_path / "sources.toml"
    sources.write_text(
        '[sources.files]\nspider = "dataset"\nmovies = "rows.jsonl"\nreviews = "rows.jsonl"\n'
    )
    with _service(redis_url, sources=sources, stream_high=10, stream_low=5) as service:
        await runs.request_run(redis, "files")
        await async_wait_until(lambda: redis.xlen(REVIEWS_STREAM))
        [child] = psutil.Process(service.pid).children()
        try:
            service.kill()
            service.wait()
            wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        finally:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def test_redis_may_come_later(private_redis: RedisServer) -> None:
    private_redis.stop()
    with _service(private_redis.url) as service:
        assert service.stderr is not None
        for _ in range(2):
            assert "waiting for redis" in service.stderr.readline()
        private_redis.start()
        lines = iter(service.stderr.readline, "")
        assert any('"ready"' in line for line in lines)
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sources": "/no/such/sources.toml"}, "/no/such/sources.toml: cannot be read"),
        ({"demo_site_port": "many"}, "MOVIE_SEARCH_DEMO_SITE_PORT"),
        ({"redis_url": "http://x"}, "MOVIE_SEARCH_REDIS_URL"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line(settings: dict[str, str], reason: str) -> None:
    environment = _environment("redis://127.0.0.1:1", **settings)
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
