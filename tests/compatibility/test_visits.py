"""What ingest remembered under c8131ff."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.ingest.demo_site import demo_server
from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import find_source, load_sources
from services.ingest.visits.visits import fingerprint_of, open_visits
from services.ingest.visits.visits_file import finished_pages
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from tests.compatibility.comparing import (
    Recorded,
)
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.watched_site import WatchedSite, edited, watched_site, with_reviews


def films_of_the_second_crawl(recorded: Recorded) -> DemoCatalogue:
    """The site as c8131ff crawled it last: one film edited, one gone, one new."""
    films = load_catalogue()[: recorded["films"] + 1]
    film = films[2]
    text = "Seen again after ten years, by the sea, and it is a far better film than I knew."
    reviews = [film.reviews[0].model_copy(update={"text": text}), *film.reviews[1:]]
    films = edited(films, 2, lambda one: with_reviews(one, reviews))
    return (*films[:7], *films[8:])


@pytest.fixture
def site(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedSite]:
    """The crawled site, where it was: the visits know its pages by their addresses."""
    bind: Callable[[str, int], Any] = demo_server._bind
    monkeypatch.setattr(demo_server, "_bind", lambda host, _: bind(host, recorded["site_port"]))
    with watched_site(films_of_the_second_crawl(recorded)) as site:
        assert site.url.endswith(f":{recorded['site_port']}"), "another program has the site's port"
        yield site


async def test_a_crawl_reads_every_page_once_more_and_then_none(
    old_redis: Client, redis_url: str, data: Path, site: WatchedSite, recorded: Recorded
) -> None:
    """Pages yield more facts than before, so what was read under the earlier version is too old."""
    await old_redis.delete(REVIEWS_STREAM)
    crawls = Crawls(old_redis, redis_url, data.parent, site.url)
    run = await crawls.request("demo")
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    assert site.pages_asked(304) == []
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=True)
    assert sent.kinds == {
        "movie": recorded["films"], "review": recorded["films"] * 5, "run_end": 1
    }  # fmt: skip
    await crawls.settle(run)
    await old_redis.delete(REVIEWS_STREAM)
    site.asked.clear()
    again = await crawls.request("demo")
    outcome = await crawls.crawl(again)
    assert outcome.error is None, crawls.errors.decode()
    assert site.pages_asked(200) == []
    sent = await crawls.sent(again)
    assert sent.kinds == {"kept": 1, "run_end": 1}


def test_the_visits_are_read(data: Path, recorded: Recorded) -> None:
    folder = data / "ingest" / "demo"
    last = recorded["named"]["second crawl"]
    assert finished_pages(folder, last) == recorded["visits"]["of_the_last_run"]
    address = f"http://127.0.0.1:{recorded['site_port']}"
    source = find_source(load_sources(IngestSettings(), demo_url=address), "demo")
    before = recorded["visits"]["about"]["fingerprint"]
    assert json.loads(fingerprint_of(source))[1] == json.loads(before)[1]
    visits = open_visits(folder, "the-next-run", baseline=last, fingerprint=before)
    movie_url = f"{address}/films/{load_catalogue()[0].movie_id}"
    visit = visits.baseline_visit(movie_url)
    assert visit is not None
    assert f"movie/{load_catalogue()[0].movie_id}" in visit.items
    assert visits.had_reviews(movie_url)
    visits.close()
