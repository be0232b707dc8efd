"""Whatever of a site is damaged, and how: no review that is still there can be removed.

A real crawl reads a small site. Then some of its pages and sitemaps, drawn at random, are damaged,
each in a drawn way, and the site is crawled again. A run removes what it has neither sent nor kept,
if it is complete. So a complete run must have all reviews, and an incomplete one must say how many
pages it could not read.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.demo_site.demo_pages import Page
from services.ingest.outcome import Outcome
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.run_record import Run
from shared.runs.unread_list import list_examples
from tests.support.counts import Counted
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.watched_site import WatchedSite
from tests.support.soak import times

MOVIES = 5
DRAWS = times(4, soak=60)
_HTML = "text/html; charset=utf-8"
_ERROR_PAGE = b"<!doctype html><title>x</title><h1>Error establishing a database connection</h1>"

Damage = Callable[[Page], Page]


def _with_body(page: Page, body: bytes, media_type: str | None = None) -> Page:
    return replace(page, body=body, media_type=media_type or page.media_type)


def _script(page: Page) -> int:
    return page.body.index(b"application/ld+json")


DAMAGES: dict[str, Damage] = {
    "cut off in the markup": lambda page: _with_body(page, page.body[: _script(page) + 90]),
    "cut off before the markup": lambda page: _with_body(page, page.body[: _script(page) - 20]),
    "an error page": lambda page: _with_body(page, _ERROR_PAGE, _HTML),
    "nothing": lambda page: _with_body(page, b""),
    "a raw quote": lambda page: _with_body(
        page, page.body.replace(b'"reviewBody": "', b'"reviewBody": "He said "no" and ', 1)
    ),
    "control characters": lambda page: _with_body(
        page, page.body.replace(b'"reviewBody": "', b'"reviewBody": "\x01\x1f\t', 1)
    ),
    "another type": lambda page: _with_body(page, page.body + b"\n", "application/octet-stream"),
    "an error": lambda page: Page(500, _HTML, _ERROR_PAGE),
    "a rating of eleven": lambda page: _with_body(
        page, re.sub(rb'"ratingValue": ?[\d.]+', b'"ratingValue": 11', page.body)
    ),
    "a date of no calendar": lambda page: _with_body(
        page, re.sub(rb'"datePublished": ?"[^"]*"', b'"datePublished": "2021-13-45"', page.body)
    ),
}
SITEMAP_DAMAGES: dict[str, Damage] = {
    "half of it": lambda page: _with_body(page, page.body[: len(page.body) // 2]),
    "an error page": DAMAGES["an error page"],
    "nothing": DAMAGES["nothing"],
    "an error": DAMAGES["an error"],
}
HARMLESS = {"another type", "control characters", "a rating of eleven", "a date of no calendar"}
"""What costs a value at most: the run is complete all the same."""


@dataclass
class Drawn:
    """The damage of one crawl: path to its name."""

    damages: dict[str, str] = field(default_factory=dict)

    def answers(self, site: WatchedSite) -> Callable[[str], Page | None]:
        def answer(path: str) -> Page | None:
            name = self.damages.get(path)
            if name is None:
                return None
            known = SITEMAP_DAMAGES if "sitemap" in path else DAMAGES
            return known[name](site.demo_site.page(path))

        return answer


@pytest.fixture
def movies() -> DemoCatalogue:
    return load_catalogue()[:MOVIES]


async def _crawl(crawls: Crawls) -> tuple[Outcome, Sent, Run]:
    run = await crawls.request()
    outcome = await crawls.crawl(run)
    record = await registry.get_run(crawls.redis, run.run_id)
    assert record is not None
    if outcome.error is None:
        await crawls.settle(run)
    else:
        await registry.advance(crawls.redis, run, "failed", error=outcome.error)
    return outcome, await crawls.sent(run), record


def _reviews(sent: Sent) -> set[str]:
    return {item for item in sent.items | sent.kept if item.startswith("review/")}


def _draw(chance: random.Random, pages: list[str], sitemaps: list[str]) -> Drawn:
    drawn = Drawn()
    for path in chance.sample(pages, chance.randint(1, len(pages) - 1)):
        drawn.damages[path] = chance.choice(sorted(DAMAGES))
    if chance.random() < 0.3:
        drawn.damages[chance.choice(sitemaps)] = chance.choice(sorted(SITEMAP_DAMAGES))
    return drawn


async def _assert_nothing_is_lost(
    crawls: Crawls, site: WatchedSite, drawn: Drawn, reviews: set[str]
) -> None:
    """Crawl the damaged site, and compare with the reviews that it has."""
    site.answers = drawn.answers(site)
    outcome, sent, record = await _crawl(crawls)
    about = f"{drawn.damages}: {outcome}"
    if outcome.complete:
        assert _reviews(sent) == reviews, f"removed although still there: {about}"
    else:
        assert outcome.error is not None or record.unread_pages > 0, about
        assert await list_examples(crawls.redis, record.run_id), about
    harmful = {path for path, name in drawn.damages.items() if name not in HARMLESS}
    assert outcome.complete == (not harmful), about
    if not any("sitemap" in path for path in harmful):
        # Each page is either read or unread; those behind a damaged sitemap are not known.
        assert record.unread_pages == len(harmful), about


@pytest.mark.parametrize("name", sorted(DAMAGES))
async def test_each_damage_of_a_page(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue, name: str
) -> None:
    _, first, _ = await _crawl(crawls)
    drawn = Drawn({f"/films/{movies[1].movie_id}": name})
    await _assert_nothing_is_lost(crawls, site, drawn, _reviews(first))


@pytest.mark.timeout(60 + 20 * DRAWS)
async def test_damages_at_random(
    crawls: Crawls, redis: Client, site: WatchedSite, movies: DemoCatalogue, counted: Counted
) -> None:
    chance = random.Random(13)
    outcome, first, _ = await _crawl(crawls)
    assert outcome.complete
    pages = [f"/films/{movie.movie_id}" for movie in movies]
    sitemaps = [path for path in site.pages_asked() if "sitemap-" in path]
    for _ in range(DRAWS):
        drawn = _draw(chance, pages, sitemaps)
        await _assert_nothing_is_lost(crawls, site, drawn, _reviews(first))
        site.answers = lambda _: None
        outcome, mended, record = await _crawl(crawls)
        assert outcome.complete, "mended, the site is read whole again"
        assert _reviews(mended) == _reviews(first)
        assert record.unread_pages == 0
    counted("damaged sites", DRAWS)
