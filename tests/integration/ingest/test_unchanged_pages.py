"""Crawling a site again: what has not changed costs a 304 and is kept, not sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, DemoMovie, load_catalogue
from services.ingest.demo_site.demo_pages import PER_MOVIE, Page
from services.ingest.visits.visits_file import FILE
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.watched_site import WatchedSite, edited, with_reviews

MOVIES = 5
PICKING = '[sources.demo]\nspider = "schema_org"\nreviews_per_movie = {}\n'


@pytest.fixture
def movies() -> DemoCatalogue:
    return load_catalogue()[:MOVIES]


def _items(movies: DemoCatalogue) -> set[str]:
    """Ledger ids of all movies and reviews."""
    return {f"movie/{movie.movie_id}" for movie in movies} | {
        _review(movie, at) for movie in movies for at in range(1, len(movie.reviews) + 1)
    }


def _review(movie: DemoMovie, at: int) -> str:
    return f"review/demo:{movie.movie_id}-review-{at}"


def _reworded(movie: DemoMovie, at: int, text: str) -> DemoMovie:
    reviews = list(movie.reviews)
    reviews[at - 1] = reviews[at - 1].model_copy(update={"text": text})
    return with_reviews(movie, reviews)


async def _crawl(crawls: Crawls, *, complete: bool = True, allow_removals: bool = False) -> Sent:
    """Crawl again successfully, and settle the run."""
    run = await crawls.request(allow_removals=allow_removals)
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=complete)
    record = await registry.get_run(crawls.redis, run.run_id)
    assert record is not None
    assert (record.movies, record.crawled) == (len(sent.movies), len(sent.reviews))
    assert record.kept == sum(item.startswith("review/") for item in sent.kept)
    await crawls.settle(run)
    return sent


@pytest.mark.parametrize("picked", [0, 5])
async def test_an_unchanged_site_is_asked_and_sends_nothing(
    crawls: Crawls, site: WatchedSite, picked: int
) -> None:
    if picked:
        crawls.configure(PICKING.format(picked))
    first = await _crawl(crawls)
    assert len(first.reviews) == MOVIES * (picked or 5)
    pages = site.pages_asked(200)
    assert len(pages) == len(set(pages))
    for _ in range(2):  # what was only kept is a baseline too
        site.forget()
        again = await _crawl(crawls)
        assert sorted(site.pages_asked(304)) == sorted(pages)
        assert sorted(site.pages_asked()) == sorted(pages)
        assert again.kept == first.items
        assert again.kinds == {"kept": 1, "run_end": 1}


async def test_an_edited_page_sends_exactly_its_reviews(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    site.forget()
    site.catalogue = edited(movies, 2, lambda movie: _reworded(movie, 2, "Seen again: far better."))
    again = await _crawl(crawls)
    movie = movies[2]
    page = {f"movie/{movie.movie_id}", *(_review(movie, at) for at in range(1, PER_MOVIE + 1))}
    assert again.items == page
    assert again.reviews[f"demo:{movie.movie_id}-review-2"].review.text == "Seen again: far better."
    assert again.kept == _items(movies) - page
    assert site.pages_asked(200) == [f"/films/{movie.movie_id}"]


async def test_a_chain_of_which_a_later_page_has_changed_is_read_again(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    crawls.configure(PICKING.format(2))
    first = await _crawl(crawls)
    site.forget()
    site.catalogue = edited(movies, 2, lambda movie: _reworded(movie, 4, "Seen again: far better."))
    again = await _crawl(crawls)
    movie = movies[2]
    assert set(again.movies) == {movie.movie_id}
    assert {message.review.movie_id for message in again.reviews.values()} == {movie.movie_id}
    assert len(again.reviews) == 2
    assert again.items | again.kept == first.items
    path = f"/films/{movie.movie_id}"
    assert [ask for ask in site.asked if ask[0].startswith(path)] == [
        (path, 304),
        (f"{path}?page=2", 200),  # which shows that the page sequence has changed
        (path, 200),
        (f"{path}?page=2", 200),
    ]


async def test_a_review_that_is_gone_is_neither_sent_nor_kept(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    site.catalogue = edited(movies, 1, lambda movie: with_reviews(movie, movie.reviews[:-1]))
    again = await _crawl(crawls)
    gone = _review(movies[1], len(movies[1].reviews))
    assert again.items | again.kept == _items(movies) - {gone}
    assert f"movie/{movies[1].movie_id}" in again.items


async def test_a_movie_that_is_gone_is_neither_sent_nor_kept(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    site.catalogue = movies[:1] + movies[2:]
    again = await _crawl(crawls)
    assert again.items | again.kept == _items(site.catalogue)
    assert not again.items


async def test_a_page_that_answers_404_is_gone_and_hinders_nothing(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    path = f"/films/{movies[1].movie_id}"
    missing = Page(404, "text/html", b"gone")
    site.answers = lambda target: missing if target.startswith(path) else None
    again = await _crawl(crawls)
    assert again.kept == _items(movies[:1] + movies[2:])


@pytest.mark.parametrize("picked", [0, 5])
async def test_a_page_that_fails_makes_the_run_incomplete(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue, picked: int
) -> None:
    if picked:
        crawls.configure(PICKING.format(picked))
    await _crawl(crawls)
    path = f"/films/{movies[1].movie_id}?page=2"
    broken = Page(500, "text/html", b"oops")
    site.answers = lambda target: broken if target == path else None
    again = await _crawl(crawls, complete=False)
    assert not again.items
    lost = (
        {_review(movies[1], at) for at in (4, 5)}
        if not picked
        else _items((movies[1],))  # the whole sequence is unknown
    )
    assert again.kept == _items(movies) - lost
    site.answers = lambda _: None
    healed = await _crawl(crawls)
    assert healed.items | healed.kept == _items(movies)


async def test_a_run_that_did_not_become_searchable_is_no_baseline(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    run = await crawls.request()
    assert (await crawls.crawl(run)).error is None
    await registry.advance(crawls.redis, run, "incomplete")
    site.forget()
    again = await _crawl(crawls)
    assert again.items == _items(movies)
    assert not site.pages_asked(304)


async def test_another_configuration_reads_every_page(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    crawls.configure(PICKING.format(3))
    site.forget()
    again = await _crawl(crawls)
    assert len(again.reviews) == 3 * MOVIES
    assert not site.pages_asked(304)


async def test_lost_or_damaged_visits_cost_a_full_crawl(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    visits = crawls.ingest_dir / "demo" / FILE
    visits.write_bytes(b"no database" * 1000)
    again = await _crawl(crawls)
    assert again.items == _items(movies)
    assert b"damaged visits file quarantined" in crawls.errors
    visits.unlink()
    assert (await _crawl(crawls)).items == _items(movies)
    assert (await _crawl(crawls)).kept == _items(movies)


async def test_a_page_limit_is_good_for_what_it_saw_and_removes_nothing(
    crawls: Crawls, site: WatchedSite
) -> None:
    crawls.configure('[sources.demo]\nspider = "schema_org"\nmax_pages = 8\n')
    limited = await _crawl(crawls, complete=False)
    assert 0 < len(limited.movies) < MOVIES


async def test_pages_that_lose_their_reviews_fail_the_run_and_one_is_kept(
    crawls: Crawls, site: WatchedSite, movies: DemoCatalogue
) -> None:
    await _crawl(crawls)
    site.catalogue = movies[:2] + tuple(
        _reworded(movie, 1, "So that the page has changed.") for movie in movies[2:]
    )

    def drifted(target: str) -> Page | None:
        page = site.demo_site.page(target)
        movie = target.removeprefix("/films/").partition("?")[0]
        if movie not in {movie.movie_id for movie in movies[2:]}:
            return None
        return Page(200, page.media_type, page.body.replace(b'"review":', b'"opinion":'))

    site.answers = drifted
    run = await crawls.request()
    outcome = await crawls.crawl(run)
    assert outcome.error is not None
    assert "6 of 6 changed pages that had reviews have none now" in outcome.error
    assert not outcome.again
    assert not (await crawls.sent(run)).ends
    record = await registry.get_run(crawls.redis, run.run_id)
    assert record is not None
    assert record.kept_page == str(crawls.ingest_dir / "demo" / "drift" / f"{run.run_id}.html")
    assert b'"opinion":' in _read(record)
    await registry.advance(crawls.redis, run, "failed")
    # The next run, for which nothing is a baseline, is not taken in.
    later = await crawls.request()
    outcome = await crawls.crawl(later)
    assert outcome.error is not None
    assert "6 of 6 changed pages" in outcome.error
    await registry.advance(crawls.redis, later, "failed")
    confirmed = await _crawl(crawls, allow_removals=True)
    assert {message.review.movie_id for message in confirmed.reviews.values()} == {
        movie.movie_id for movie in movies[:2]
    }
    kept = {run.run_id, later.run_id}
    assert {page.stem for page in crawls.ingest_dir.rglob("*.html")} == kept


def _read(record: Run) -> bytes:
    """The page that the run kept."""
    assert record.kept_page is not None
    return Path(record.kept_page).read_bytes()


async def test_a_site_that_has_no_reviews_at_all_keeps_a_page(
    crawls: Crawls, site: WatchedSite
) -> None:
    body = b"<!doctype html><title>New design</title>"
    site.answers = lambda target: (
        Page(200, "text/html", body) if target.startswith("/films") else None
    )
    run = await crawls.request()
    outcome = await crawls.crawl(run)
    assert outcome.error is not None
    assert "no reviews found" in outcome.error
    record = await registry.get_run(crawls.redis, run.run_id)
    assert record is not None
    assert _read(record) == body


async def test_a_run_that_ends_well_keeps_no_page(crawls: Crawls) -> None:
    await _crawl(crawls)
    assert not list(crawls.ingest_dir.rglob("*.html"))
