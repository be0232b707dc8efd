"""Pages and reviews that take too long: each is left out by name, and the crawl goes on.

The crawls are real processes, under a real supervisor; only their bounds are smaller.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import load_sources
from services.ingest.visits.visits_file import finished_pages
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.runs.unread_list import list_examples
from shared.settings import load_settings
from tests.support.crawl.hostile_site import (
    Answer,
    Asked,
    answer,
    hostile_site,
    index,
    movie_page,
)
from tests.support.crawl.supervision import is_alive, settled, supervising
from tests.support.waiting import wait_until

PRELOADED = Path(__file__).parents[2] / "support" / "crawl" / "preloaded"
ROOT = Path(__file__).parents[3]
BOUNDS = (0.4, 1.2, 0.3)
"""CPU seconds for a page, until the process is ended, and for an item."""

# libxml2 compares each attribute with all before it, in C, where no signal is heard.
ATTRIBUTES = f"<p {' '.join(f'a{n}=1' for n in range(150_000))}>x</p>"
MANY_REVIEWS = 12_000


@pytest.fixture(autouse=True)
def _preloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str) -> None:
    monkeypatch.setenv("MOVIE_SEARCH_REDIS_URL", redis_url)
    monkeypatch.setenv("MOVIE_SEARCH_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PRELOADED), str(ROOT)]))
    monkeypatch.setenv("CRAWL_BOUNDS", json.dumps(BOUNDS))
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MOVIE_SEARCH_CRAWL_CONTACT", "https://operator.example/")


def _large_page() -> str:
    """A page that is as good as any, and takes longer than ``BOUNDS``."""
    reviews = [
        {"@type": "Review", "reviewBody": f"Review {n} of a page with very many reviews."}
        for n in range(MANY_REVIEWS)
    ]
    movie = {"@context": "https://schema.org", "@type": "Movie", "name": "M", "review": reviews}
    return f'<script type="application/ld+json">{json.dumps(movie)}</script>'


def _served(body: str, _: Asked) -> Answer:
    return answer(body)


async def _crawled(
    redis: Client, folder: Path, pages: Mapping[str, str]
) -> tuple[Run, set[str], list[Any], list[str]]:
    """Crawl a site of some pages and of good ones.

    Returns:
        The run; the movies that arrived; the examples of what was unread; the requests.
    """
    good = {f"/m{n}": movie_page(n) for n in range(1, 6)}
    bodies = {"/": index("/m1", *pages, *good), **good, **pages}
    with hostile_site({path: partial(_served, body) for path, body in bodies.items()}) as site:
        (folder / "sources.toml").write_text(
            f'[sources.site]\nspider = "schema_org"\nstart_urls = ["{site.url()}"]\n'
            "allow_private = true\ndelay_s = 0.01\n"
        )
        settings = load_settings(IngestSettings)
        async with supervising(
            redis,
            sources=load_sources(settings),
            time_limit_s=300.0,
            finished_pages=lambda run: finished_pages(settings.ingest_dir / run.source, run.run_id),
        ):
            run, _ = await registry.request_run(redis, "site")
            ended = await settled(redis, run)
        asked = site.paths()
    entries = [fields for _, fields in await redis.xrange(REVIEWS_STREAM)]
    movies = {fields["id"] for fields in entries if fields["kind"] == "movie"}
    return ended, movies, await list_examples(redis, run.run_id), asked


GOOD = {f"tt{n:07d}" for n in range(1, 6)}


async def test_a_page_that_takes_too_long_is_unread_and_the_others_arrive(
    redis: Client, tmp_path: Path
) -> None:
    run, movies, unread, asked = await _crawled(redis, tmp_path, {"/large": _large_page()})
    assert (run.state, run.error) == ("embedding", None)
    assert movies == GOOD
    assert run.unread_pages == 1
    [page] = [one for one in unread if one.kind == "page"]
    assert page.where.endswith("/large")
    assert "CPU" in page.why
    assert asked.count("/large") == 1


async def test_a_page_that_ends_the_process_is_left_out_in_the_end(
    redis: Client, tmp_path: Path
) -> None:
    bad = {f"/bad{n}": movie_page(100 + n, extra=ATTRIBUTES) for n in range(2)}
    run, movies, unread, asked = await _crawled(redis, tmp_path, bad)
    assert (run.state, run.error) == ("embedding", None)
    assert movies == GOOD
    assert run.unread_pages == 2
    pages = [one for one in unread if one.kind == "page"]
    assert {one.where.rpartition("/")[2] for one in pages} == {"bad0", "bad1"}
    assert all("ended" in one.why for one in pages)
    # Five attempts, and what had been read before was kept: few good pages were asked for again.
    assert asked.count("/bad0") == 5
    assert sum(asked.count(f"/m{n}") for n in range(1, 6)) < 15


async def test_a_review_that_takes_too_long_is_unread_and_the_others_arrive(
    redis: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRAWL_BOUNDS", json.dumps((20.0, 60.0, 0.3)))
    page = movie_page(100, text="The end.Then it goes on. " * 100_000)
    run, movies, unread, _ = await _crawled(redis, tmp_path, {"/long": page})
    assert (run.state, run.error) == ("embedding", None)
    assert movies == GOOD | {"tt0000100"}
    assert (run.crawled, run.unread_rows) == (5, 1)
    [row] = [one for one in unread if one.kind == "row"]
    assert "CPU" in row.why
    assert row.where == "tt0000100"


@contextmanager
def _service() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "services.ingest"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_no_crawl_outlives_its_service_even_within_a_regular_expression(
    redis: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A regular expression holds the interpreter's lock, so no thread of the crawl can end it."""
    monkeypatch.setenv("CRAWL_BOUNDS", json.dumps((600.0, 900.0, 600.0)))
    monkeypatch.setenv("MOVIE_SEARCH_DEMO_SITE_PORT", "0")
    monkeypatch.delenv("MOVIE_SEARCH_SOURCES")
    stuck = tmp_path / "stuck"
    monkeypatch.setenv("CRAWL_STUCK", str(stuck))
    with _service() as service:
        await registry.request_run(redis, "demo")
        wait_until(stuck.exists)
        [crawl] = psutil.Process(service.pid).children()
        try:
            service.kill()
            service.wait()
            wait_until(lambda: not is_alive(crawl.pid), timeout_s=10)
        finally:
            with suppress(psutil.NoSuchProcess):
                crawl.kill()
