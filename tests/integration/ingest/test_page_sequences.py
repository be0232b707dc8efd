"""Pages that hang together, are redirected, break off, or come back, on a site of a few pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ingest.demo_site.demo_pages import Page
from shared.delivery.redis_client import Client
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.watched_site import WatchedSite, watched_site

CONFIG = """[sources.blog]
spider = "schema_org"
start_urls = ["{url}/1"]
allow_private = true
delay_s = 0.01
reviews_per_movie = {picked}
max_depth = {depth}
"""


class Blog:
    """Posts by number: the movie that each is about, its reviews, and its links."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}

    def post(
        self,
        path: str,
        movie: int | None = None,
        reviews: tuple[int, ...] = (),
        *,
        after: str | None = None,
        links: tuple[str, ...] = (),
        note: str = "",
    ) -> None:
        data = {
            "@context": "https://schema.org",
            "@type": "Movie",
            "sameAs": f"https://www.imdb.com/title/tt{movie:07}/",
            "name": f"Film {movie}",
            "review": [
                {
                    "@type": "Review",
                    "identifier": f"r{movie}-{n}",
                    "reviewBody": f"Opinion {n} of film {movie}.",
                    "reviewRating": {"@type": "Rating", "ratingValue": n, "bestRating": 10},
                }
                for n in reviews
            ],
        } if movie is not None else {}  # fmt: skip
        script = f'<script type="application/ld+json">{json.dumps(data)}</script>' if data else ""
        following = f'<link rel="next" href="{after}">' if after else ""
        anchors = "".join(f'<a href="{link}">more</a>' for link in links)
        html = f"<!doctype html><title>{note}</title>{following}{script}<p>{path}</p>{anchors}"
        self.pages[path] = Page(200, "text/html; charset=utf-8", html.encode())

    def fail(self, path: str, status: int) -> None:
        self.pages[path] = Page(status, "text/html", b"<p>no</p>")

    def answer(self, target: str) -> Page | None:
        if target == "/robots.txt":
            return None
        return self.pages.get(target, Page(404, "text/html", b"<p>none</p>"))


@pytest.fixture
def blog() -> Blog:
    return Blog()


@pytest.fixture
def site(blog: Blog) -> Iterator[WatchedSite]:
    with watched_site(()) as site:
        site.answers = blog.answer
        yield site


@pytest.fixture
def crawls(redis: Client, redis_url: str, tmp_path: Path, site: WatchedSite) -> Crawls:
    crawls = Crawls(redis, redis_url, tmp_path, site.url)
    crawls.configure(CONFIG.format(url=site.url, picked=1, depth=50))
    return crawls


async def _crawl(crawls: Crawls, *, complete: bool = True) -> Sent:
    run = await crawls.request("blog")
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=complete)
    await crawls.settle(run)
    return sent


def _movies(*numbers: int) -> set[str]:
    return {f"movie/tt{number:07}" for number in numbers}


def _review(movie: int, n: int) -> str:
    return f"review/blog:tt{movie:07}:r{movie}-{n}"


async def test_next_pages_of_other_movies_begin_new_sequences(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    blog.post("/1", 1, (3,), after="/2")
    blog.post("/2", 2, (9, 1), after="/3")
    blog.post("/3", 2, (5,), after="/4")
    blog.post("/4", 3, (7,), after="/1")  # round and round
    first = await _crawl(crawls)
    assert first.items == _movies(1, 2, 3) | {_review(1, 3), _review(2, 5), _review(3, 7)}
    # The first page once more, as the next of the last: only its content tells that it is not.
    assert sorted(site.pages_asked()) == ["/1", "/1", "/2", "/3", "/4"]
    site.forget()
    again = await _crawl(crawls)
    assert again.kept == first.items
    assert sorted(site.pages_asked(304)) == sorted(site.pages_asked()) == ["/1", "/2", "/3", "/4"]
    blog.post("/3", 2, (4, 6), after="/4")
    changed = await _crawl(crawls)
    assert changed.items == _movies(2) | {_review(2, 4)}
    assert changed.kept == first.items - changed.items - {_review(2, 5)}


async def test_a_chain_ends_where_its_next_page_is_missing_and_goes_on_when_it_is_back(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    blog.post("/1", 1, (9, 1), after="/1b")
    blog.post("/1b", 1, (5,))
    first = await _crawl(crawls)
    assert first.items == _movies(1) | {_review(1, 5)}
    blog.fail("/1b", 404)
    without = await _crawl(crawls)
    assert without.items == _movies(1) | {_review(1, 1)}
    assert not without.kept
    blog.post("/1b", 1, (5,))
    back = await _crawl(crawls)
    assert back.items == first.items
    kept = await _crawl(crawls)
    assert kept.kept == first.items


async def test_a_chain_that_breaks_off_counts_only_where_nothing_better_is_known(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    blog.post("/1", 1, (9, 1), after="/1b", links=("/2",))
    blog.fail("/1b", 500)
    blog.post("/2", 2, (7,))
    broken = await _crawl(crawls, complete=False)
    assert broken.items == _movies(1, 2) | {_review(1, 1), _review(2, 7)}
    blog.post("/1b", 1, (5,))
    healed = await _crawl(crawls)
    assert healed.items == _movies(1) | {_review(1, 5)}
    assert healed.kept == _movies(2) | {_review(2, 7)}
    blog.post("/1", 1, (9, 1), after="/1b", links=("/2",), note="changed")
    blog.fail("/1b", 500)
    again = await _crawl(crawls, complete=False)
    assert not again.items
    assert again.kept == _movies(2) | {_review(2, 7)}


async def test_pages_behind_one_that_fails_are_still_found(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    blog.post("/1", links=("/2",))
    blog.post("/2", 2, (7,))
    first = await _crawl(crawls)
    blog.fail("/1", 500)
    again = await _crawl(crawls, complete=False)
    assert again.kept == first.items


async def test_a_chain_ends_at_the_limit_of_depth_and_is_not_complete(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    crawls.configure(CONFIG.format(url=site.url, picked=1, depth=3))
    for n in range(1, 9):
        blog.post(f"/{n}", 1, (n,), after=f"/{n + 1}")
    limited = await _crawl(crawls, complete=False)
    assert sorted(site.pages_asked()) == ["/1", "/2", "/3", "/4"]
    assert limited.items == _movies(1) | {_review(1, 2)}
    crawls.configure(CONFIG.format(url=site.url, picked=0, depth=3))
    run = await crawls.request("blog")
    for _ in range(2):  # the second attempt finds nothing left, and knows no more
        assert not (await crawls.crawl(run)).complete
        plain = await crawls.sent(run)
        assert plain.items == _movies(1) | {_review(1, n) for n in range(1, 5)}


async def test_a_redirected_page_is_read_once_and_its_target_is_asked_for_changes(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    site.redirects = {"/old": "/new", "/older": "/old"}
    blog.post("/1", links=("/older", "/old", "/new"))
    blog.post("/new", 1, (5,), links=("/2",))
    blog.post("/2", 2, (5,))
    first = await _crawl(crawls)
    assert first.items == _movies(1, 2) | {_review(1, 5), _review(2, 5)}
    assert site.pages_asked(200).count("/new") == 1
    again = await _crawl(crawls)
    assert again.items | again.kept == first.items
    assert _review(2, 5) in again.kept
    site.forget()
    run = await crawls.request("blog")
    assert (await crawls.crawl(run)).complete
    site.forget()
    assert (await crawls.crawl(run)).complete  # an attempt after the end
    assert not site.pages_asked(200)
    assert not site.pages_asked(304)


async def test_a_next_page_elsewhere_is_no_part_of_the_chain(
    crawls: Crawls, site: WatchedSite, blog: Blog
) -> None:
    blog.post("/1", 1, (5,), after="http://elsewhere.example/2")
    first = await _crawl(crawls)
    assert first.items == _movies(1) | {_review(1, 5)}
    assert (await _crawl(crawls)).kept == first.items
