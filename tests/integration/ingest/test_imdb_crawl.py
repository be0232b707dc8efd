"""The crawl of a site in the structure of IMDb's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.ingest.pages.imdb.pages import title_list_url
from services.ingest.pages.sampling import pick
from shared.delivery.redis_client import Client
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.imdb_markup import SiteMovie
from tests.support.crawl.imdb_site import ImdbSite, Markup, invented_movies, serve_imdb_site

TOP = 4
CONFIG = """[sources.imdb]
spider = "imdb"
base_url = "{url}"
allow_private = true
delay_s = 0.01
top = {top}
min_votes = 990000
reviews_per_movie = {picked}
"""


@pytest.fixture
def site() -> ImdbSite:
    movies = invented_movies(8, reviews=7)
    movies[1] = replace(movies[1], votes=5)  # well rated, by too few
    return ImdbSite(movies, page_size=3)


@pytest.fixture
def url(site: ImdbSite) -> Iterator[str]:
    with serve_imdb_site(site) as url:
        yield url


@pytest.fixture
def crawls(redis: Client, redis_url: str, tmp_path: Path, url: str) -> Crawls:
    crawls = Crawls(redis, redis_url, tmp_path)
    crawls.configure(CONFIG.format(url=url, top=TOP, picked=5))
    return crawls


def _best(site: ImdbSite) -> list[SiteMovie]:
    return [site_movie for site_movie in site.movies if site_movie.votes >= 990_000][:TOP]


def _reviews(site_movie: SiteMovie, picked: int) -> set[str]:
    at = pick([review.rating for review in site_movie.reviews], picked)
    return {f"imdb:{site_movie.reviews[n].review_id}" for n in at}


async def _crawl(crawls: Crawls, *, complete: bool = True) -> Sent:
    run = await crawls.request("imdb")
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=complete)
    await crawls.settle(run)
    return sent


@pytest.mark.parametrize(("markup", "picked"), [("data", 5), ("components", 0), ("lister", 5)])
async def test_the_best_movies_and_their_reviews_and_then_only_changes(
    crawls: Crawls, site: ImdbSite, url: str, markup: Markup, picked: int
) -> None:
    site.markup = markup
    crawls.configure(CONFIG.format(url=url, top=TOP, picked=picked))
    first = await _crawl(crawls)
    best = _best(site)
    assert set(first.movies) == {site_movie.movie_id for site_movie in best}
    assert set(first.reviews) == set().union(*(_reviews(site_movie, picked) for site_movie in best))
    assert {message.movie.year for message in first.movies.values()} == {
        site_movie.year for site_movie in best
    }
    pages = sorted(path for path, _ in site.requests if path != "/robots.txt")
    assert len(pages) == len(set(pages))

    site.requests.clear()
    again = await _crawl(crawls)
    assert again.kinds == {"kept": 1, "run_end": 1}
    assert again.kept == first.items
    asked = {status for path, status in site.requests if path != "/robots.txt"}
    assert asked == {304}
    assert sorted(path for path, _ in site.requests if path != "/robots.txt") == pages

    edited = best[2]
    edited.reviews[6] = replace(edited.reviews[6], rating=10, text="Now I love it beyond words.")
    changed = await _crawl(crawls)
    assert {message.review.movie_id for message in changed.reviews.values()} == {edited.movie_id}
    on_page = {f"imdb:{edited.reviews[6].review_id}"}  # alone on its page
    assert set(changed.reviews) == (_reviews(edited, picked) if picked else on_page)
    assert changed.items | changed.kept == {f"movie/{m}" for m in first.movies} | _all(best, picked)


def _all(movies: list[SiteMovie], picked: int) -> set[str]:
    return {f"review/{name}" for site_movie in movies for name in _reviews(site_movie, picked)}


async def test_another_movie_in_the_list_takes_the_place_of_the_last(
    crawls: Crawls, site: ImdbSite
) -> None:
    first = await _crawl(crawls)
    site.movies[1].votes = 999_000
    again = await _crawl(crawls)
    best = _best(site)
    assert set(again.movies) == {site.movies[1].movie_id}
    assert again.items | again.kept == {
        f"movie/{site_movie.movie_id}" for site_movie in best
    } | _all(best, 5)
    assert first.items - again.kept  # those of the movie that is no longer among the best


async def test_a_movie_whose_page_fails_is_described_by_the_list(
    crawls: Crawls, site: ImdbSite
) -> None:
    site_movie = _best(site)[0]
    site.answers[f"/title/{site_movie.movie_id}/"] = (500, "oops")
    sent = await _crawl(crawls, complete=False)
    movie = sent.movies[site_movie.movie_id].movie
    assert (movie.title, movie.rating, movie.year) == (site_movie.title, site_movie.rating, None)
    assert {f"imdb:{review.review_id}" for review in site_movie.reviews} & set(sent.reviews)


async def test_pages_without_the_structure_fail_the_run_and_one_is_kept(
    crawls: Crawls, site: ImdbSite
) -> None:
    await _crawl(crawls)
    body = "<!doctype html><html><body><p>All new, all different</p></body></html>"
    for site_movie in site.movies:
        site.answers[f"/title/{site_movie.movie_id}/reviews/"] = (200, body)
    run = await crawls.request("imdb")
    outcome = await crawls.crawl(run)
    assert outcome.error is not None
    assert "4 of 4 pages of kind 'reviews' have an unknown structure" in outcome.error
    assert outcome.drifted
    [page] = (crawls.ingest_dir / "imdb" / "drift").iterdir()
    assert page.name == f"{run.run_id}.html"
    assert page.read_text() == body
    assert not (await crawls.sent(run)).ends


async def test_a_list_without_the_structure_fails_the_run(crawls: Crawls, site: ImdbSite) -> None:
    path = title_list_url("", 990_000)
    site.answers[path] = (200, "<!doctype html><html><body>Nothing</body></html>")
    run = await crawls.request("imdb")
    outcome = await crawls.crawl(run)
    assert outcome.error is not None
    assert "pages have an unknown structure: titles (1)" in outcome.error
