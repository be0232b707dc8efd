"""Nothing that could not be read counts as gone: damaged pages and sitemaps remove nothing.

Each kind of damage is done to a page that was read before; the next crawl must say so, must be
incomplete, and must not send less than it could read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.demo_site.demo_pages import Page
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.run_record import Run
from shared.runs.unread_list import list_examples
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.watched_site import WatchedSite

MOVIES = 4
_ERROR_PAGE = b"<!doctype html><title>x</title><h1>Error establishing a database connection</h1>"


@pytest.fixture
def movies() -> DemoCatalogue:
    return load_catalogue()[:MOVIES]


async def _crawl(crawls: Crawls) -> tuple[Sent, Run]:
    run = await crawls.request()
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    sent = await crawls.sent(run)
    sent.assert_balanced()
    record = await registry.get_run(crawls.redis, run.run_id)
    assert record is not None
    await crawls.settle(run)
    return sent, record


def _raw_quote(page: Page) -> Page:
    return replace(page, body=page.body.replace(b'"@context"', b'"@con"text"', 1))


def _cut_off(page: Page) -> Page:
    return replace(page, body=page.body[: page.body.index(b"application/ld+json") + 60])


def _error_page(page: Page) -> Page:
    return replace(page, body=_ERROR_PAGE, media_type="text/html; charset=utf-8")


def _half(page: Page) -> Page:
    return replace(page, body=page.body[: len(page.body) // 2])


@pytest.mark.parametrize(
    ("which", "damage"),
    [
        ("movie", _raw_quote),
        ("movie", _cut_off),
        ("sitemap", _error_page),
        ("sitemap", _half),
    ],
    ids=["a raw quote", "a page cut off", "an error page for a sitemap", "half a sitemap"],
)
async def test_a_damaged_page_is_counted_and_removes_nothing(
    crawls: Crawls,
    redis: Client,
    site: WatchedSite,
    movies: DemoCatalogue,
    which: str,
    damage: Callable[[Page], Page],
) -> None:
    first, record = await _crawl(crawls)
    assert (record.unread_pages, first.ends[-1].complete) == (0, True)
    [sitemap, *_] = [path for path in site.pages_asked() if "sitemap-" in path]
    target = f"/films/{movies[1].movie_id}" if which == "movie" else sitemap

    def damaged(path: str) -> Page | None:
        return damage(site.demo_site.page(path)) if path == target else None

    site.answers = damaged
    sent, record = await _crawl(crawls)
    assert not sent.ends[-1].complete
    assert record.unread_pages == 1
    [example] = await list_examples(redis, record.run_id)
    assert example.kind == "page"
    assert example.where.endswith(target)
    assert example.why
    site.answers = lambda _: None
    mended, record = await _crawl(crawls)
    assert (record.unread_pages, mended.ends[-1].complete) == (0, True)
    assert mended.items | mended.kept == first.items
