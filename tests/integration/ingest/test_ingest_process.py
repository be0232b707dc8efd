"""The ingest service as the process that is deployed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from services.ingest.supervisor.lost_runs import LOST
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import RunEnd, checksum_of_ids, ledger_id, parse
from shared.delivery.redis_client import Client, connect
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.crawl.supervision import is_alive
from tests.support.delivery.redis_server import RedisServer
from tests.support.ports import free_port
from tests.support.waiting import async_wait_until, wait_until

COMMAND = [sys.executable, "-m", "services.ingest"]
REDIS_AWAY_S = 30.0


@pytest.fixture(autouse=True)
def _data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services and crawls of a test keep what they keep in its own folder."""
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path / "data"))


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
            crawls: list[psutil.Process] = []
            with suppress(psutil.NoSuchProcess):
                crawls = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            # They end with it, and must not write into the next test.
            _, left = psutil.wait_procs(crawls, timeout=60)
            assert not left


def _is_healthy(url: str) -> bool:
    command = [*COMMAND, "--check"]
    return subprocess.run(command, env=_environment(url), timeout=120).returncode == 0


async def _crawl(redis: Client) -> dict[str, str]:
    """Crawl the demo; the bodies of all items by ledger id, after checking them by the ledger."""
    run, _ = await registry.request_run(redis, "demo")

    async def crawled() -> Run | None:
        record = await registry.get_run(redis, run.run_id)
        return record if record is not None and record.state == "embedding" else None

    record = await async_wait_until(crawled, timeout_s=120)
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
    await registry.advance(redis, run, "searchable")
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
        assert service.wait(timeout=60) == 0
    with _service(redis_url):  # on another port, as 0 takes a free one
        second = await _crawl(redis)
    assert set(second) == set(first)


async def test_a_crawl_does_not_outlive_a_killed_service(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    # A crawl that waits for room in the stream would never end, because nothing reads the stream.
    rows = [{"movie_id": "tt0000001", "review_id": n, "text": "Fine."} for n in range(500)]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    sources = tmp_path / "sources.toml"
    sources.write_text(
        '[sources.files]\nspider = "dataset"\nmovies = "rows.jsonl"\nreviews = "rows.jsonl"\n'
    )
    with _service(redis_url, sources=sources, stream_high=10, stream_low=5) as service:
        await registry.request_run(redis, "files")
        await async_wait_until(lambda: redis.xlen(REVIEWS_STREAM))
        [child] = psutil.Process(service.pid).children()
        try:
            service.kill()
            service.wait()
            wait_until(lambda: not is_alive(child.pid))
        finally:
            with suppress(psutil.NoSuchProcess):
                child.kill()


async def _state(redis: Client, run: Run) -> Run:
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    return record


async def _until_sent(redis: Client, entries: int) -> None:
    async def sent() -> bool:
        return bool(await redis.xlen(REVIEWS_STREAM) >= entries)

    await async_wait_until(sent)


async def _until_crawled(redis: Client, run: Run) -> Run:
    async def crawled() -> Run | None:
        record = await _state(redis, run)
        return record if record.state not in {"queued", "crawling"} else None

    record = await async_wait_until(crawled, timeout_s=120)
    assert record is not None
    return record


async def _assert_all_sent(redis: Client, run: Run) -> None:
    """All movies and reviews of the demo are on the stream, and the run's end matches them."""
    ids = set()
    ends = []
    for _, fields in await redis.xrange(REVIEWS_STREAM):
        message = parse(fields)
        assert message.run_id == run.run_id
        if isinstance(message, RunEnd):
            ends.append(message)
        else:
            ids.add(ledger_id(message.kind, message.item_id))
    [end] = ends
    assert (end.emitted, end.checksum) == (792, checksum_of_ids(ids))
    assert sum(name.startswith("review/") for name in ids) == 660


async def test_a_killed_service_goes_on_at_once(redis: Client, redis_url: str) -> None:
    """Without waiting for its own lease to run out."""
    with _service(redis_url) as service:
        run, _ = await registry.request_run(redis, "demo")
        await _until_sent(redis, 50)
        service.kill()
        service.wait()
    holder = await redis.get(f"lease:{run.run_id}")
    # Longer than anybody waits below; it would run out long before, or else be waited for.
    assert await redis.pexpire(f"lease:{run.run_id}", 600_000)
    with _service(redis_url):

        async def begun_again() -> bool:
            return (await _state(redis, run)).attempts == 2

        await async_wait_until(begun_again)
        assert await redis.get(f"lease:{run.run_id}") == holder
        assert (await _until_crawled(redis, run)).state == "embedding"


def test_one_service_to_a_folder(redis_url: str) -> None:
    with _service(redis_url) as service:
        assert service.stderr is not None
        assert any('"ready"' in line for line in iter(service.stderr.readline, ""))
        second = subprocess.run(
            COMMAND, env=_environment(redis_url), capture_output=True, text=True, timeout=120
        )
    assert second.returncode == 1
    assert "another ingest service uses" in second.stderr
    assert second.stderr.count("\n") == 1


async def test_redis_may_be_away_for_half_a_minute(private_redis: RedisServer) -> None:
    """In the middle of a crawl: longer than leases and heartbeats last. It waits, and goes on."""
    redis = connect(private_redis.url)
    with _service(private_redis.url) as service:
        run, _ = await registry.request_run(redis, "demo")
        await _until_sent(redis, 50)
        [child] = psutil.Process(service.pid).children()
        private_redis.kill()
        back = time.monotonic() + REDIS_AWAY_S

        def away_long_enough() -> bool:
            assert service.poll() is None
            assert is_alive(child.pid)
            return time.monotonic() > back

        await asyncio.to_thread(wait_until, away_long_enough, timeout_s=REDIS_AWAY_S + 10)
        private_redis.start()
        record = await _until_crawled(redis, run)
        assert (record.state, record.attempts, record.error) == ("embedding", 1, None)
        await _assert_all_sent(redis, run)
    await redis.aclose()


async def test_a_run_that_redis_forgets_ends_and_the_next_reads_everything(
    redis: Client, redis_url: str
) -> None:
    with _service(redis_url) as service:
        run, _ = await registry.request_run(redis, "demo")
        await _until_sent(redis, 50)
        [child] = psutil.Process(service.pid).children()
        await redis.flushall()

        async def ended() -> Run | None:
            record = await registry.get_run(redis, run.run_id)
            return record if record is not None and registry.ended(record) else None

        record = await async_wait_until(ended)
        assert record is not None
        assert (record.state, record.error) == ("incomplete", LOST)
        await asyncio.to_thread(wait_until, lambda: not is_alive(child.pid))
        await redis.delete(REVIEWS_STREAM)  # what the crawl sent before it was ended
        following, _ = await registry.request_run(redis, "demo")
        record = await _until_crawled(redis, following)
        assert (record.state, record.movies, record.crawled) == ("embedding", 132, 660)
        await _assert_all_sent(redis, following)


async def test_its_metrics_say_what_it_does(redis: Client, redis_url: str) -> None:
    port = free_port()
    with _service(redis_url, metrics_port=port):
        run, _ = await registry.request_run(redis, "demo")
        await _until_sent(redis, 50)

        def metrics() -> str:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            except httpx.HTTPError:
                return ""

        wait_until(lambda: "movie_search_ingest_active_crawls 1.0" in metrics())
        wait_until(lambda: 'movie_search_ingest_open_runs{state="crawling"} 1.0' in metrics())
        await registry.advance(redis, run, "cancelled")
        wait_until(
            lambda: (
                'movie_search_ingest_runs_total{source="demo",state="cancelled"} 1.0' in metrics()
            )
        )
        for line in (
            'movie_search_ingest_crawls_total{outcome="ended",source="demo"} 1.0',
            "movie_search_ingest_active_crawls 0.0",
            'movie_search_ingest_crawl_seconds_count{outcome="ended",source="demo"} 1.0',
        ):
            wait_until(lambda line=line: line in metrics(), what=line)  # type: ignore[misc]
        said = metrics()
        for name in (
            "movie_search_ingest_scheduled_runs_total",
            "movie_search_ingest_last_searchable_timestamp_seconds",
        ):
            assert f"# TYPE {name}" in said


def test_redis_may_come_later(private_redis: RedisServer) -> None:
    private_redis.stop()
    with _service(private_redis.url) as service:
        assert service.stderr is not None
        for _ in range(2):
            assert "redis unavailable, retrying" in service.stderr.readline()
        private_redis.start()
        lines = iter(service.stderr.readline, "")
        assert any('"ready"' in line for line in lines)
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=60) == 0


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
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
