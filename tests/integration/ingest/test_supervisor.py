"""Runs under the supervisor: real crawl processes, a real site, a real Redis server."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis.exceptions import ResponseError

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.demo_site.demo_server import serve_demo_site
from services.ingest.supervisor import retry_budget
from services.ingest.supervisor.attempt import CrawlAttempt
from services.ingest.supervisor.retry_budget import MAX_ATTEMPTS
from services.ingest.supervisor.supervisor import Supervisor
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import IngestCommand, RunEnd, checksum_of_ids, ledger_id, parse
from shared.delivery.redis_client import Client
from shared.delivery.streams import Entry, EntryInvalid
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.crawl.supervision import crawling, is_alive, settled, supervising
from tests.support.waiting import async_wait_until

Configure = Callable[..., None]


@pytest.fixture
def configure(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Write ``sources.toml`` and set the environment that crawl processes inherit."""
    monkeypatch.setenv("MOVIE_SEARCH_REDIS_URL", redis_url)
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MOVIE_SEARCH_SOURCES", str(tmp_path / "sources.toml"))

    def write(toml: str = "", **settings: object) -> None:
        (tmp_path / "sources.toml").write_text(toml)
        for name, value in settings.items():
            monkeypatch.setenv(f"MOVIE_SEARCH_{name.upper()}", str(value))

    write()
    return write


@pytest.fixture
def few() -> DemoCatalogue:
    return load_catalogue()[:6]


async def _request(redis: Client, source: str) -> Run:
    run, _ = await registry.request_run(redis, source)
    return run


async def _sent(redis: Client, run: Run) -> tuple[Counter[str], set[str], list[RunEnd]]:
    """What a run has put on the stream: distinct items by kind, their ledger ids, its ends."""
    ids: set[str] = set()
    ends = []
    for _, fields in await redis.xrange(REVIEWS_STREAM):
        message = parse(fields)
        if message.run_id != run.run_id:
            continue
        if isinstance(message, RunEnd):
            ends.append(message)
        else:
            ids.add(ledger_id(message.kind, message.item_id))
    return Counter(name.partition("/")[0] for name in ids), ids, ends


async def _assert_complete(redis: Client, run: Run, movies: int, reviews: int) -> set[str]:
    counts, ids, ends = await _sent(redis, run)
    assert counts == {"movie": movies, "review": reviews}
    assert (ends[-1].emitted, ends[-1].checksum) == (movies + reviews, checksum_of_ids(ids))
    return ids


@contextmanager
def _site(answer: Callable[[str], tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """A site that answers each path as told; yields ``host:port`` and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


SLOW_DEMO = '[sources.demo]\nspider = "schema_org"\ndelay_s = 3.0\n'


async def test_killed_crawls_are_started_again_and_lose_nothing(
    redis: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_budget, "RETRY_AFTER_S", 0.05)
    with serve_demo_site("127.0.0.1", 0) as url:
        async with supervising(redis, url) as supervisor:
            run = await _request(redis, "demo")
            pid = await crawling(supervisor, run)
            await async_wait_until(lambda: redis.xlen(REVIEWS_STREAM))
            os.kill(pid, signal.SIGKILL)
            await crawling(supervisor, run, but=pid)
            record = await settled(redis, run)
    assert (record.state, record.attempts, record.error) == ("embedding", 2, None)
    assert (record.movies, record.crawled) == (132, 660)
    await _assert_complete(redis, run, 132, 660)


async def test_a_crawl_that_always_dies_fails_after_three_attempts(
    redis: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch, few: DemoCatalogue
) -> None:
    monkeypatch.setattr(retry_budget, "RETRY_AFTER_S", 0.05)
    configure(SLOW_DEMO)
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url) as supervisor:
            run = await _request(redis, "demo")
            pid = 0
            for _ in range(MAX_ATTEMPTS):
                pid = await crawling(supervisor, run, but=pid)
                os.kill(pid, signal.SIGKILL)
            record = await settled(redis, run)
    assert (record.state, record.attempts) == ("failed", MAX_ATTEMPTS)
    assert record.error is not None
    assert "killed by signal 9" in record.error
    _, _, ends = await _sent(redis, run)
    assert ends == []


async def test_supervisors_that_die_with_their_crawls_do_not_go_on_for_ever(
    redis: Client, configure: Configure
) -> None:
    run = await _request(redis, "demo")
    await registry.advance(redis, run, "crawling")
    await registry.set_fields(redis, run.run_id, attempts=7, in_vain=MAX_ATTEMPTS)
    async with supervising(redis):
        record = await settled(redis, run)
    assert (record.state, record.attempts) == ("failed", 7)
    assert record.error == "the crawl ended 3 times without progress"


async def test_a_stop_leaves_the_run_and_the_next_start_goes_on(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    configure(SLOW_DEMO)
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url) as supervisor:
            run = await _request(redis, "demo")
            pid = await crawling(supervisor, run)
        assert not is_alive(pid)
        left = await registry.get_run(redis, run.run_id)
        assert left is not None
        assert (left.state, left.attempts, left.error) == ("crawling", 0, None)
        configure()
        async with supervising(redis, url):
            record = await settled(redis, run)
    assert (record.state, record.attempts) == ("embedding", 1)
    await _assert_complete(redis, run, 6, 30)


async def test_the_time_limit_fails_the_run(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    configure(SLOW_DEMO)
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url, time_limit_s=2.0):
            record = await settled(redis, await _request(redis, "demo"))
    assert (record.state, record.error) == ("failed", "the time limit of 2 s was reached")


async def test_a_source_has_its_own_time_limit(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    configure(SLOW_DEMO + 'time_limit = "1s"\n')
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url):
            record = await settled(redis, await _request(redis, "demo"))
    assert (record.state, record.error) == ("failed", "the time limit of 1 s was reached")


async def test_the_time_limit_holds_for_all_attempts_together(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    configure(SLOW_DEMO)
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        run = await _request(redis, "demo")
        await registry.advance(redis, run, "crawling")
        await registry.set_fields(redis, run.run_id, attempts=1, crawl_s=59.5)
        async with supervising(redis, url, time_limit_s=60.0) as supervisor:
            pid = await crawling(supervisor, run)
            record = await settled(redis, run)
    assert (record.state, record.error) == ("failed", "the time limit of 60 s was reached")
    assert record.attempts == 2
    assert record.ended_at is not None
    assert record.ended_at - record.requested_at < timedelta(seconds=55)  # not its own 60
    assert not is_alive(pid)


async def test_attempts_that_get_further_may_be_many(
    redis: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch, few: DemoCatalogue
) -> None:
    monkeypatch.setattr(retry_budget, "RETRY_AFTER_S", 0.05)
    configure(SLOW_DEMO)
    finished = 0
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url, finished_pages=lambda _: finished) as supervisor:
            run = await _request(redis, "demo")
            pid = 0
            for killed in range(1, MAX_ATTEMPTS + 4):
                pid = await crawling(supervisor, run, but=pid)
                finished = min(killed, 3)
                os.kill(pid, signal.SIGKILL)
            record = await settled(redis, run)
    # Three got further; the next three did not.
    assert (record.state, record.attempts) == ("failed", MAX_ATTEMPTS + 3)
    assert record.error is not None
    assert record.error.startswith("the crawl ended 3 times without progress")


async def test_no_process_outlives_its_supervision(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    """Not even when the supervisor itself stumbles: here, over a lease that is none."""
    configure(SLOW_DEMO)
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        run = await _request(redis, "demo")
        crawl_attempt = CrawlAttempt(redis, "me", 60_000, url, lambda _: 0, asyncio.Event())
        task = asyncio.create_task(crawl_attempt.crawl(run, 60.0))

        async def started() -> int:
            return crawl_attempt.pids.get(run.run_id, 0)

        pid = await async_wait_until(started)
        lease = f"lease:{run.run_id}"
        await redis.pipeline(transaction=True).delete(lease).rpush(lease, "?").execute()
        with pytest.raises(ResponseError):
            await task
        assert not is_alive(pid)


async def test_a_crawl_whose_record_cannot_be_read_is_ended(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    configure(SLOW_DEMO)
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url) as supervisor:
            run = await _request(redis, "demo")
            pid = await crawling(supervisor, run)
            await registry.set_fields(redis, run.run_id, state="confused")
            await async_wait_until(lambda: _gone(pid))


async def _gone(pid: int) -> bool:
    return not is_alive(pid)


async def test_a_lease_of_another_supervisor_is_respected_until_it_ends(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        run = await _request(redis, "demo")
        await registry.advance(redis, run, "crawling")
        assert await registry.take_lease(redis, run.run_id, "another", lease_ms=60_000)
        async with supervising(redis, url) as supervisor:
            other = await settled(redis, await _request(redis, "not_there"))
            assert other.state == "failed"  # so the supervisor has looked at both
            assert run.run_id not in supervisor.pids
            await registry.release_lease(redis, run.run_id, "another")
            assert (await settled(redis, run)).state == "embedding"
    await _assert_complete(redis, run, 6, 30)


async def test_a_source_that_is_not_configured_fails_the_run(
    redis: Client, configure: Configure
) -> None:
    async with supervising(redis):
        record = await settled(redis, await _request(redis, "no_such"))
    assert (record.state, record.attempts) == ("failed", 0)
    assert record.error == "source 'no_such' is not configured; configured: demo"


async def test_robots_txt_is_obeyed(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    with serve_demo_site("127.0.0.1", 0, catalogue=few, disallow=["/films/tt"]) as url:
        async with supervising(redis, url):
            run = await _request(redis, "demo")
            record = await settled(redis, run)
    assert record.state == "failed"
    assert record.error is not None
    assert "robots.txt forbids" in record.error
    assert (await _sent(redis, run))[0] == {}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, "cannot be used: HTTP status 500"),
        (429, "asked 5 times in a row to wait (status 429)"),
    ],
)
async def test_robots_txt_that_cannot_be_had_forbids_everything(
    redis: Client, configure: Configure, status: int, reason: str
) -> None:
    with _site(lambda path: (status if path == "/robots.txt" else 200, b"<p>page</p>")) as (
        host,
        asked,
    ):
        configure(
            f'[sources.site]\nspider = "schema_org"\nallow_private = true\ndelay_s = 0.01\n'
            f'start_urls = ["http://{host}/"]\n'
        )
        async with supervising(redis):
            record = await settled(redis, await _request(redis, "site"))
    assert record.state == "failed"
    assert record.error is not None
    assert reason in record.error
    assert set(asked) == {"/robots.txt"}


async def test_a_site_on_the_open_web_is_not_visited_without_a_contact(
    redis: Client, configure: Configure
) -> None:
    configure('[sources.site]\nspider = "schema_org"\nstart_urls = ["https://films.example/"]\n')
    async with supervising(redis):
        record = await settled(redis, await _request(redis, "site"))
    assert (record.state, record.attempts) == ("failed", 1)
    assert record.error is not None
    assert record.error.startswith("MOVIE_SEARCH_CRAWL_CONTACT is not set")


async def test_private_addresses_are_not_connected_to_in_any_notation(
    redis: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOVIE_SEARCH_CRAWL_CONTACT", "mailto:ops@films.example")
    with _site(lambda _: (200, b"<p>secret</p>")) as (host, asked):
        port = host.partition(":")[2]
        forms = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]")
        urls = ", ".join(f'"http://{form}:{port}/"' for form in forms)
        configure(f'[sources.site]\nspider = "schema_org"\ndelay_s = 0.01\nstart_urls = [{urls}]\n')
        async with supervising(redis):
            record = await settled(redis, await _request(redis, "site"))
    assert asked == []
    assert record.state == "failed"
    assert record.error is not None
    assert "private address" in record.error


async def test_a_site_without_reviews_fails_loudly(redis: Client, configure: Configure) -> None:
    with _site(lambda path: (404 if path == "/robots.txt" else 200, b"<p>no markup</p>")) as (
        host,
        _,
    ):
        configure(
            f'[sources.site]\nspider = "schema_org"\nallow_private = true\ndelay_s = 0.01\n'
            f'start_urls = ["http://{host}/"]\n'
        )
        async with supervising(redis):
            run = await _request(redis, "site")
            record = await settled(redis, run)
    assert record.state == "failed"
    assert record.error is not None
    assert "no reviews found" in record.error
    assert (await _sent(redis, run))[2] == []


async def test_reviews_per_movie_picks_over_all_pages_of_a_movie(
    redis: Client, configure: Configure, few: DemoCatalogue
) -> None:
    configure('[sources.demo]\nspider = "schema_org"\nreviews_per_movie = 2\n')
    with serve_demo_site("127.0.0.1", 0, catalogue=few) as url:
        async with supervising(redis, url):
            run = await _request(redis, "demo")
            assert (await settled(redis, run)).state == "embedding"
    await _assert_complete(redis, run, 6, 12)
    ratings: dict[str, list[float]] = {}
    for _, fields in await redis.xrange(REVIEWS_STREAM):
        message = parse(fields)
        if message.kind == "review":
            review: Any = message
            ratings.setdefault(review.review.movie_id, []).append(review.review.rating)
    for movie in few:
        given = [review.rating for review in movie.reviews]
        assert sorted(ratings[movie.movie_id]) == [min(given), max(given)]


async def test_a_dataset_on_disk(redis: Client, configure: Configure, tmp_path: Path) -> None:
    movies = [{"movie_id": "tt0000001", "title": "One"}]
    reviews = [
        {"review_id": f"r{n}", "movie_id": f"tt000000{1 + n % 2}", "movie": "M", "text": text}
        for n, text in enumerate(["Good.", "Bad.", "<p>Long</p><p>one</p>", " ", "Good."])
    ]
    pq.write_table(pa.Table.from_pylist(movies), tmp_path / "movies.parquet")
    pq.write_table(pa.Table.from_pylist(reviews), tmp_path / "reviews.parquet")
    configure(
        '[sources.files]\nspider = "dataset"\n'
        'movies = "movies.parquet"\nreviews = "reviews.parquet"\n'
    )
    async with supervising(redis):
        run = await _request(redis, "files")
        record = await settled(redis, run)
    assert record.state == "embedding"
    ids = await _assert_complete(redis, run, 2, 4)  # the empty one is dropped
    assert "review/files:r3" not in ids
    assert "movie/tt0000002" in ids


async def test_a_broken_dataset_fails_the_run_at_once(redis: Client, configure: Configure) -> None:
    configure('[sources.files]\nspider = "dataset"\nmovies = "m.csv"\nreviews = "r.csv"\n')
    async with supervising(redis):
        record = await settled(redis, await _request(redis, "files"))
    assert (record.state, record.attempts) == ("failed", 1)
    assert record.error is not None
    assert "m.csv: no such file" in record.error


@pytest.mark.data
async def test_the_real_catalogue_waits_for_a_slow_reader(
    redis: Client, configure: Configure, real_data: Path
) -> None:
    folder = real_data / "imdb500"
    configure(
        f'[sources.imdb500]\nspider = "dataset"\nreviews_per_movie = 5\n'
        f'movies = "{folder}/movies.parquet"\nreviews = "{folder}/reviews.parquet"\n',
        stream_high=1000,
        stream_low=200,
    )
    counts: Counter[str] = Counter()
    longest = 0
    async with supervising(redis):
        run = await _request(redis, "imdb500")

        async def read_all() -> bool:
            nonlocal longest
            longest = max(longest, await redis.xlen(REVIEWS_STREAM))
            rows = await redis.xrange(REVIEWS_STREAM, count=500)
            counts.update(fields["kind"] for _, fields in rows)
            if rows:
                await redis.xdel(REVIEWS_STREAM, *(entry for entry, _ in rows))
            return counts["run_end"] > 0

        async def is_full() -> bool:
            return int(await redis.xlen(REVIEWS_STREAM)) >= 1000

        await async_wait_until(is_full)
        await async_wait_until(read_all, timeout_s=120)
        assert (await settled(redis, run)).state == "embedding"
    assert counts == {"movie": 500, "review": 2500, "run_end": 1}
    assert longest <= 1000 + 2 * 100


async def test_what_is_no_command_is_refused(redis: Client) -> None:
    supervisor = Supervisor(redis, {}, "", 1.0)
    good = IngestCommand(run_id="r", source="demo").to_fields()
    await supervisor.handle([Entry("1-0", good)])
    end = RunEnd(run_id="r", source="demo", emitted=0, checksum=0).to_fields()
    for bad in ({**good, "v": "99"}, {}, end):
        with pytest.raises(EntryInvalid):
            await supervisor.handle([Entry("1-1", bad)])
