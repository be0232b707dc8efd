"""Sources that have movies and no reviews: a file of movies, and a site without reviews."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.demo_site.demo_pages import Page
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.watched_site import WatchedSite

FEW = 3
SOURCE = """[sources.facts]
spider = "dataset"
movies = "movies.csv"
"""


@pytest.fixture
def movies() -> DemoCatalogue:
    return load_catalogue()[:FEW]


def marked_up_otherwise(site: WatchedSite, key: bytes) -> None:
    """Give a key of the site's structured data another name, so that it is not read."""

    def answer(target: str) -> Page:
        page = site.demo_site.page(target)
        return replace(page, body=page.body.replace(b'"%s":' % key, b'"x-%s":' % key))

    site.answers = answer


async def test_a_file_of_movies_is_enough(crawls: Crawls, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movie_id,title\ntt0000001,Rocky\ntt0000002,Up\n")
    crawls.configure(SOURCE)
    run = await crawls.request("facts")
    outcome = await crawls.crawl(run)
    assert (outcome.error, outcome.complete, outcome.movies) == (None, True, 2)
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=True)
    assert (sent.movies["tt0000001"].movie.title, sent.reviews) == ("Rocky", {})


async def test_a_file_of_reviews_without_any_is_a_failure(crawls: Crawls, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movie_id,title\ntt0000001,Rocky\n")
    (tmp_path / "reviews.csv").write_text("movie_id,text\n")
    crawls.configure(f'{SOURCE}reviews = "reviews.csv"\n')
    outcome = await crawls.crawl(await crawls.request("facts"))
    assert outcome.error is not None
    assert outcome.error.startswith("no reviews found")


async def test_a_site_without_reviews_is_read_again_and_again(
    crawls: Crawls, site: WatchedSite
) -> None:
    marked_up_otherwise(site, b"review")
    first = await crawls.baseline()
    sent = await crawls.sent(first)
    sent.assert_balanced(complete=True)
    assert (len(sent.movies), sent.reviews) == (FEW, {})
    second = await crawls.baseline()  # of unchanged pages
    kept = await crawls.sent(second)
    kept.assert_balanced(complete=True)
    assert (kept.movies, len(kept.kept)) == ({}, FEW)


async def test_a_site_whose_reviews_cannot_be_read_is_not_taken_for_one_without(
    crawls: Crawls, site: WatchedSite
) -> None:
    site.catalogue = site.catalogue[:1]  # too few reviews to recognise drift
    marked_up_otherwise(site, b"reviewBody")
    outcome = await crawls.crawl(await crawls.request())
    assert outcome.error is not None
    assert outcome.error.startswith("no reviews found")
