"""Crawls that are killed, or that lose Redis, and go on: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.demo_site.demo_pages import Page
from services.ingest.visits.visits import Visits
from services.ingest.visits.visits_file import FILE, finished_pages
from services.ingest.visits.visits_file import connect as connect_file
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import connect
from shared.runs.registry import Run
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.watched_site import WatchedSite, watched_site
from tests.support.delivery.redis_server import RedisServer
from tests.support.waiting import async_wait_until

MOVIES = 20
PAGES = 5 + 2 * MOVIES  # sitemaps, two of the list, two of each movie
KILLS = 6
SLOW = '[sources.demo]\nspider = "schema_org"\ndelay_s = 0.05\nreviews_per_movie = {}\n'


@pytest.fixture
def movies() -> DemoCatalogue:
    return load_catalogue()[:MOVIES]


def _finished(crawls: Crawls, run: Run) -> set[str]:
    """Paths of all pages that the run has visited."""
    path = crawls.ingest_dir / run.source / FILE
    if not path.exists():
        return set()
    visits = Visits(connect_file(path), run.run_id, None)
    paths = {
        page.url.removeprefix(crawls.demo_url)
        for visit in visits.of_this_run()
        for page in visit.pages
    }
    visits.close()
    return paths


@pytest.mark.parametrize("picked", [0, 5])
async def test_kills_at_any_moment_cost_no_finished_page_and_no_item(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue, picked: int
) -> None:
    crawls.configure(SLOW.format(picked))
    first = await crawls.baseline()
    expected = await crawls.sent(first)
    expected_pages = set(site.pages_asked())
    assert len(expected_pages) == PAGES
    # So that the next run sends most items again, and keeps some.
    site.catalogue = movies[:2] + tuple(
        movie.model_copy(update={"description": f"{movie.description} Restored."})
        for movie in movies[2:]
    )
    site.forget()

    chance = random.Random(picked)
    run = await crawls.request()
    finished: set[str] = set()
    killed_on_the_way = 0
    for _ in range(KILLS):
        process = await crawls.start(run)
        ended = asyncio.create_task(process.communicate())
        answers = chance.randint(1, 8)
        entries = int(await crawls.redis.xlen(REVIEWS_STREAM)) + chance.choice([0, 1])

        await _come_so_far(crawls, site, ended, answers=answers, entries=entries)
        if not ended.done():
            process.kill()
            await ended
            killed_on_the_way += 1
        assert not finished & set(site.pages_asked()), "a finished page was asked for again"
        finished = await asyncio.to_thread(_finished, crawls, run)
        assert 0 <= finished_pages(crawls.ingest_dir / "demo", run.run_id) <= len(finished)
        site.forget()
    assert killed_on_the_way >= 3
    assert finished
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    assert not finished & set(site.pages_asked())
    assert finished | set(site.pages_asked()) == expected_pages
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=True)
    assert sent.items | sent.kept == expected.items
    kept_movies = {movie.movie_id for movie in movies[:2]}
    assert {name.partition("/")[2] for name in sent.kept if name.startswith("movie")} == kept_movies
    assert {message.review.movie_id for message in sent.reviews.values()} == {
        movie.movie_id for movie in movies[2:]
    }
    # Going on once more, after all has been sent, sends the same end. A kill may
    # have come between the end and the exit, so there may be more than one already.
    ends = sent.ends
    site.forget()
    assert await crawls.crawl(run) == outcome
    assert site.pages_asked() == []
    assert (await crawls.sent(run)).ends == [*ends, ends[0]]
    assert all(end == ends[0] for end in ends)


async def _come_so_far(
    crawls: Crawls,
    site: WatchedSite,
    ended: asyncio.Task[tuple[bytes, bytes]],
    *,
    answers: int,
    entries: int,
) -> None:
    async def there() -> bool:
        length = int(await crawls.redis.xlen(REVIEWS_STREAM))
        return ended.done() or (len(site.asked) >= answers and length >= entries)

    await async_wait_until(there)


async def _more_entries(crawls: Crawls, than: int) -> None:
    async def longer() -> bool:
        return int(await crawls.redis.xlen(REVIEWS_STREAM)) > than

    await async_wait_until(longer)


async def test_what_was_sent_counts_although_its_page_is_gone_before_the_next_attempt(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    """Killed after the stream had a page's items and before its visit was recorded."""
    path = f"/films/{movies[0].movie_id}"
    run = await crawls.request()
    assert (await crawls.crawl(run)).error is None
    whole = await crawls.sent(run)
    visits = Visits(connect_file(crawls.ingest_dir / "demo" / FILE), run.run_id, None)
    visits._db.execute("DELETE FROM visits WHERE url LIKE ?", (f"%{path}%",))
    visits.close()
    gone = Page(404, "text/html", b"gone")
    site.answers = lambda target: gone if target.startswith(path) else None
    site.forget()
    assert (await crawls.crawl(run)).error is None
    assert set(site.pages_asked()) <= {path, f"{path}?page=2"}
    sent = await crawls.sent(run)
    assert sent.items == whole.items
    sent.assert_balanced()


@pytest.mark.parametrize("away_s", [1.0, 30.0])
async def test_redis_that_goes_away_is_waited_for_and_nothing_is_lost(
    private_redis: RedisServer, tmp_path: Path, away_s: float
) -> None:
    redis = connect(private_redis.url)
    movies = load_catalogue()[:40]
    with watched_site(movies) as site:
        crawls = Crawls(redis, private_redis.url, tmp_path, site.url)
        crawls.configure(SLOW.format(0))
        run = await crawls.request()
        process = await crawls.start(run)
        ended = asyncio.create_task(crawls.finish(process))
        await _more_entries(crawls, 20)
        private_redis.kill()
        back_at = time.monotonic() + away_s

        async def is_time() -> bool:
            assert not ended.done(), "the crawl did not wait"
            return time.monotonic() >= back_at

        await async_wait_until(is_time, timeout_s=away_s + 60)
        waited_with = len(site.pages_asked())
        await asyncio.to_thread(private_redis.start)
        outcome = await ended
        assert outcome.error is None, crawls.errors.decode()
        assert (outcome.movies, outcome.reviews) == (40, 200)
        sent = await crawls.sent(run)
        sent.assert_balanced(complete=True)
        pages = site.pages_asked()
        assert len(pages) == len(set(pages))
        if away_s > 10:  # long enough for the buffer to be full and the crawl to stand still
            assert waited_with < len(pages)
    await redis.aclose()


async def test_redis_that_is_away_at_the_start_is_waited_for(
    private_redis: RedisServer, tmp_path: Path
) -> None:
    redis = connect(private_redis.url)
    with watched_site(load_catalogue()[:2]) as site:
        crawls = Crawls(
            redis, private_redis.url, tmp_path, site.url, {"MOVIE_SEARCH_LOG_LEVEL": "info"}
        )
        run = await crawls.request()
        private_redis.kill()
        process = await crawls.start(run)
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"redis unavailable, retrying" not in await process.stderr.readline():
                pass
        await asyncio.to_thread(private_redis.start)
        outcome = await crawls.finish(process)
        assert outcome.error is None, crawls.errors.decode()
        (await crawls.sent(run)).assert_balanced(complete=True)
    await redis.aclose()
