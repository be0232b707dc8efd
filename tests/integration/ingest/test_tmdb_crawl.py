"""The crawl of a local server that answers in the structure of TMDB's interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from services.embedder.database.engine import open_engine, reading
from services.ingest.outcome import Outcome
from services.ingest.pages.sampling import pick
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.tmdb_site import (
    TOKEN,
    TmdbSite,
    serve_tmdb_site,
    tmdb_movie,
    tmdb_review,
)
from tests.support.embedder.arrivals import arrive

FJORD, GOAT, OAR = "tt0000278", "tt0000279", "tmdb:280"
CONFIG = """[sources.tmdb]
spider = "tmdb"
api_url = "{url}"
allow_private = true
delay_s = 0.01
key_file = "tmdb-token"
posters = false
"""
IDS = 'imdb_ids = ["tt0000278", "tt0000279", "tt7777777"]\ntmdb_ids = [280]\n'


@pytest.fixture
def site() -> TmdbSite:
    site = TmdbSite()
    reviews = [tmdb_review(n, f"The fjord, seen {n} times, is dark.", n * 2.0) for n in range(5)]
    site.add(tmdb_movie(278, FJORD, "The Fjord"), *reviews)
    site.add(tmdb_movie(279, GOAT, "The Goat"), tmdb_review(90, "A goat that everybody loves."))
    site.add(tmdb_movie(280, None, "The Oar"))
    return site


@pytest.fixture
def url(site: TmdbSite) -> Iterator[str]:
    with serve_tmdb_site(site) as url:
        yield url


@pytest.fixture
def crawls(redis: Client, redis_url: str, tmp_path: Path, url: str) -> Crawls:
    crawls = Crawls(redis, redis_url, tmp_path)
    crawls.configure(CONFIG.format(url=url) + IDS)
    (tmp_path / "tmdb-token").write_text(f"{TOKEN}\n")
    return crawls


async def _crawl(crawls: Crawls, *, complete: bool = True) -> tuple[Sent, Outcome]:
    run = await crawls.request("tmdb")
    outcome = await crawls.crawl(run)
    assert outcome.error is None, f"{outcome.error}\n{crawls.errors.decode()}"
    sent = await crawls.sent(run)
    sent.assert_balanced(complete=complete)
    await crawls.settle(run)
    return sent, outcome


async def test_listed_movies_with_their_facts_and_reviews_and_then_only_changes(
    crawls: Crawls, site: TmdbSite
) -> None:
    first, _ = await _crawl(crawls)
    assert set(first.movies) == {FJORD, GOAT, OAR}
    assert len(first.reviews) == 6
    movie = first.movies[FJORD].movie
    assert (movie.title, movie.year, movie.directors) == ("The Fjord", 1994, ("Di Directed",))
    assert movie.url == "https://www.themoviedb.org/movie/278"
    pages = sorted(path for path, _ in site.requests if path != "/robots.txt")
    assert len(pages) == len(set(pages)) == 3 + 3 + (3 + 1 + 1)

    site.requests.clear()
    again, outcome = await _crawl(crawls)
    assert again.kinds == {"kept": 1, "run_end": 1}
    assert again.kept == first.items
    assert outcome.kept == 6
    assert {status for path, status in site.requests if path != "/robots.txt"} == {304}
    assert sorted(path for path, _ in site.requests if path != "/robots.txt") == pages

    site.movies[279]["overview"] = "Another goat."
    site.reviews[278].pop()
    changed, _ = await _crawl(crawls)
    assert set(changed.movies) == {GOAT}
    assert len(changed.items | changed.kept) == len(first.items) - 1


async def test_the_key_is_sent_and_written_nowhere(crawls: Crawls) -> None:
    crawls.settings["MOVIE_SEARCH_LOG_LEVEL"] = "debug"
    await _crawl(crawls)
    assert TOKEN.encode() not in crawls.errors
    files = [path for path in crawls.ingest_dir.rglob("*") if path.is_file()]
    assert files
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)


async def test_reviews_are_picked_from_all_pages(crawls: Crawls, site: TmdbSite, url: str) -> None:
    crawls.configure(CONFIG.format(url=url) + IDS + "reviews_per_movie = 2\n")
    sent, _ = await _crawl(crawls)
    points = [review["author_details"]["rating"] for review in site.reviews[278]]
    of_fjord = [m.review for m in sent.reviews.values() if m.review.movie_id == FJORD]
    assert sorted(review.rating or 0.0 for review in of_fjord) == sorted(
        points[at] for at in pick(points, 2)
    )


async def test_a_pause_that_is_asked_for_is_kept(crawls: Crawls, site: TmdbSite) -> None:
    site.pauses = 1
    run = await crawls.request("tmdb")
    outcome = await crawls.crawl(run)
    assert (outcome.error, outcome.complete) == (None, True)
    stored = await registry.get_run(crawls.redis, run.run_id)
    assert stored is not None
    [report] = stored.sites.values()
    assert report.retry_after == 1


async def test_facts_alone_and_an_answer_that_fails_removes_nothing(
    crawls: Crawls, site: TmdbSite, url: str
) -> None:
    crawls.configure(CONFIG.format(url=url) + IDS + "with_reviews = false\n")
    first, outcome = await _crawl(crawls)
    assert (len(first.movies), first.reviews, outcome.complete) == (3, {}, True)
    assert not [path for path, _ in site.requests if "reviews" in path]
    site.answers["/3/movie/279"] = (500, {})
    again, outcome = await _crawl(crawls, complete=False)
    assert not outcome.complete
    assert f"movie/{GOAT}" not in again.items


@pytest.mark.parametrize(
    "damaged",
    [
        "<html>Just a page</html>",
        {"success": False, "status_code": 11, "status_message": "Internal error."},
        {"page": 1, "total_pages": 1, "results": "none"},
        {"page": 1, "total_pages": 1, "results": [{"id": "x", "content": None}]},
    ],
)
async def test_reviews_that_cannot_be_read_make_the_run_incomplete(
    crawls: Crawls, site: TmdbSite, damaged: object
) -> None:
    await _crawl(crawls)
    site.answers["/3/movie/279/reviews"] = (200, damaged)
    run = await crawls.request("tmdb")
    outcome = await crawls.crawl(run)
    assert (outcome.error, outcome.complete) == (None, False)
    stored = await registry.get_run(crawls.redis, run.run_id)
    assert stored is not None
    assert stored.unread_pages == 1


async def test_the_ids_of_an_export_are_read_and_others_left_out(
    crawls: Crawls, tmp_path: Path, url: str
) -> None:
    ids = ["tt0000278", "tmdb:280", "my_site:42", "90011"]
    pq.write_table(pa.table({"movie_title": ids, "movie_id": ids}), tmp_path / "movies.parquet")
    crawls.configure(CONFIG.format(url=url) + 'ids_from = "movies.parquet"\n')
    sent, _ = await _crawl(crawls)
    assert set(sent.movies) == {FJORD, OAR}
    assert b"ids of other catalogues left out" in crawls.errors


async def test_another_id_or_key_file_reads_nothing_again(
    crawls: Crawls, site: TmdbSite, tmp_path: Path, url: str
) -> None:
    crawls.configure(CONFIG.format(url=url) + "tmdb_ids = [278]\n")
    first, _ = await _crawl(crawls)
    (tmp_path / "tmdb-token").rename(tmp_path / "moved-token")
    config = CONFIG.format(url=url).replace("tmdb-token", "moved-token")
    crawls.configure(f"{config}tmdb_ids = [278, 280]\n")
    again, _ = await _crawl(crawls)
    assert (set(again.movies), again.reviews, again.kept) == ({OAR}, {}, first.items)


async def test_facts_and_reviews_of_two_sources_are_one_movie(
    crawls: Crawls, tmp_path: Path, url: str
) -> None:
    (tmp_path / "films.csv").write_text("imdb_id,title,year\ntt0000278,The Fjord,1993\n")
    (tmp_path / "opinions.csv").write_text("imdb_id,text\ntt0000278,A long way across.\n")
    opinions = 'spider = "dataset"\nmovies = "films.csv"\nreviews = "opinions.csv"\n'
    crawls.configure(
        f'[sources.mine]\n{opinions}\n{CONFIG.format(url=url)}imdb_ids = ["tt0000278"]\n'
    )
    engine = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    for source in ("mine", "tmdb"):
        sent = await crawls.sent(await crawls.baseline(source))
        await arrive(engine, *sent.movies.values(), *sent.reviews.values())
    tables = SQLModel.metadata.tables
    with reading(engine) as connection:
        [movie] = connection.execute(select(tables["movies"])).mappings()
        by_source = connection.execute(select(tables["reviews"].c.source)).scalars().all()
    engine.dispose()
    assert (movie["title"], movie["year"], movie["people"][0]) == (
        "The Fjord", 1994, "Ada Invented"
    )  # fmt: skip
    assert Counter(by_source) == {"mine": 1, "tmdb": 5}


async def test_robots_txt_is_obeyed(crawls: Crawls, site: TmdbSite) -> None:
    site.robots = "User-agent: *\nDisallow: /3/\n"
    outcome = await crawls.crawl(await crawls.request("tmdb"))
    assert outcome.error is not None
    assert "robots.txt forbids" in outcome.error
    assert {path for path, _ in site.requests} == {"/robots.txt"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        ("0123456789abcdef0123456789abcdef", "must have the API Read Access Token"),
        ("two words", "in one line"),
    ],
)
async def test_a_key_that_cannot_be_used_ends_the_run(
    crawls: Crawls, site: TmdbSite, tmp_path: Path, content: str | None, reason: str
) -> None:
    (tmp_path / "tmdb-token").unlink()
    if content is not None:
        (tmp_path / "tmdb-token").write_text(content)
    outcome = await crawls.crawl(await crawls.request("tmdb"))
    assert outcome.error is not None
    assert reason in outcome.error
    assert not outcome.again
    assert not site.requests


async def test_a_key_that_tmdb_refuses_ends_the_run(crawls: Crawls, tmp_path: Path) -> None:
    (tmp_path / "tmdb-token").write_text("another-token")
    outcome = await crawls.crawl(await crawls.request("tmdb"))
    assert outcome.error is not None
    assert "status 401" in outcome.error
