"""Several sources, crawled by real processes: what is one movie, and who is believed of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.embedder.database.engine import open_engine, reading
from services.embedder.database.models import MOVIES, REVIEWS
from services.embedder.settling.removal import Removals
from shared.delivery.messages import parse
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.tmdb_site import TOKEN, TmdbSite, serve_tmdb_site, tmdb_movie
from tests.support.embedder.arrivals import arrive

FJORD, GOAT = "tt0000278", "tt0000279"
CONFIG = """
[sources.lens]
spider = "dataset"
preset = "movielens"
folder = "lens"

[sources.files]
spider = "dataset"
preset = "tmdb-5000"
folder = "files"
trust = -2

[sources.files.movies]  # TMDB's numbers to IMDb's ids, by the crosswalk of MovieLens
ids = ["imdb", "tmdb"]
columns = {{ movie_id = ["links.imdbId", "id"] }}
lookups.links = {{ path = "{links}", key = "tmdbId", on = "id" }}

[sources.club]
spider = "dataset"
movies = "club/movies.csv"
reviews = "club/reviews.csv"

[sources.shop]
spider = "dataset"
movies = "shop/movies.csv"
reviews = "shop/reviews.csv"
trust = {trust}

[sources.tmdb]
spider = "tmdb"
api_url = "{url}"
allow_private = true
delay_s = 0.01
key_file = "tmdb-token"
with_reviews = false
imdb_ids = ["{fjord}", "{goat}"]
"""
FILES = {
    "lens/movies.csv": """movieId,title,genres
7,"Fjord, The (1994)",Drama|War
8,Goat (1994),Comedy
""",
    "lens/links.csv": """movieId,imdbId,tmdbId
7,0000278,278
8,0000279,279
""",
    "files/tmdb_5000_movies.csv": """id,title,original_title,overview,release_date,genres,keywords,\
production_countries,spoken_languages,runtime,vote_average,vote_count
278,The Fjord,Fjorden,Two sisters and a boat.,1994-03-01,[],[],[],[],101.0,7.5,20
9,Unlinked,Unlinked,Nobody knows it.,2001-01-01,[],[],[],[],90.0,5.0,2
""",
    "files/tmdb_5000_credits.csv": """movie_id,title,cast,crew
278,The Fjord,[],"[{""job"": ""Director"", ""name"": ""Ida Roe""}]"
9,Unlinked,[],[]
""",
    "club/movies.csv": f"""movie_id,title,year
1,Amber Route,1999
amber-route,Another Amber Route,2001
{FJORD},The Dark Fjord,
""",
    "club/reviews.csv": f"""movie_id,text
1,A road of amber and dust.
amber-route,Not the same road at all.
{FJORD},The water is black and still.
""",
    "shop/movies.csv": f"""movie_id,title
1.0,The Lamp Room
amber-route,The Amber Shop
{FJORD},Fjord on sale
""",
    "shop/reviews.csv": f"""movie_id,text
1,A room full of lamps.
amber-route,A shop of stones.
{FJORD},Cheap and cold.
""",
}


@pytest.fixture
def url() -> Iterator[str]:
    site = TmdbSite()
    site.add(tmdb_movie(278, FJORD, "The Fjord"))
    site.add(tmdb_movie(279, GOAT, "The Goat"))
    with serve_tmdb_site(site) as url:
        yield url


@pytest.fixture
def crawls(redis: Client, redis_url: str, tmp_path: Path, url: str) -> Crawls:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    (tmp_path / "tmdb-token").write_text(f"{TOKEN}\n")
    crawls = Crawls(redis, redis_url, tmp_path)
    links = tmp_path / "lens" / "links.csv"
    crawls.configure(CONFIG.format(url=url, trust=-1, fjord=FJORD, goat=GOAT, links=links))
    return crawls


async def sent_by(crawls: Crawls, source: str) -> list[Any]:
    """The messages of a crawl of a source."""
    run = await crawls.request(source)
    outcome = await crawls.crawl(run)
    assert outcome.error is None, f"{outcome.error}\n{crawls.errors.decode()}"
    await crawls.settle(run)
    return await sent_in(crawls, run.run_id)


async def sent_in(crawls: Crawls, run_id: str) -> list[Any]:
    """The messages of a run."""
    entries = await crawls.redis.xrange("reviews")
    messages = [parse(fields) for _, fields in entries]
    return [message for message in messages if message.run_id == run_id]


async def test_one_movie_each_and_two_where_two_sources_use_one_id(
    crawls: Crawls, tmp_path: Path
) -> None:
    names = ("lens", "files", "club", "shop", "tmdb")
    sent = {source: await sent_by(crawls, source) for source in names}
    ends: list[tuple[dict[str, dict[Any, Any]], list[tuple[Any, ...]]]] = []
    orders = [*itertools.permutations(sent)][::17]
    for number, order in enumerate(orders):
        engine = open_engine(f"sqlite:///{tmp_path / f'{number}.sqlite'}")
        for source in order:
            await arrive(engine, *sent[source])
        with reading(engine) as connection:
            rows = connection.execute(select(MOVIES).order_by(MOVIES.c.movie_id)).mappings()
            by_id = {row["movie_id"]: {**row, "revision": 0} for row in rows}
            stored = connection.execute(select(REVIEWS.c.movie_id, REVIEWS.c.text)).all()
        ends.append((by_id, sorted(tuple(row) for row in stored)))
        engine.dispose()
    assert all(end == ends[0] for end in ends)
    movies, reviews = ends[0]
    assert {name: row["title"] for name, row in movies.items()} == {
        "club:1": "Amber Route",
        "club:amber-route": "Another Amber Route",
        "shop:1": "The Lamp Room",
        "shop:amber-route": "The Amber Shop",
        "tmdb:9": "Unlinked",
        FJORD: "The Fjord",  # TMDB's, as it is asked for facts
        GOAT: "The Goat",
    }
    assert movies[FJORD]["genres"] == ["Drama", "History"]
    assert movies["tmdb:9"]["description"] == "Nobody knows it."
    assert reviews == [
        ("club:1", "A road of amber and dust."),
        ("club:amber-route", "Not the same road at all."),
        ("shop:1", "A room full of lamps."),
        ("shop:amber-route", "A shop of stones."),
        (FJORD, "Cheap and cold."),
        (FJORD, "The water is black and still."),
    ]
    without_tmdb = open_engine(f"sqlite:///{tmp_path / 'without.sqlite'}")
    for source in ("shop", "lens", "club"):
        await arrive(without_tmdb, *sent[source])
    with reading(without_tmdb) as connection:
        query = select(MOVIES.c.title, MOVIES.c.year, MOVIES.c.genres)
        found = connection.execute(query.where(MOVIES.c.movie_id == FJORD)).one()
    # Of equal trust the first by name is believed; the shop has less.
    assert tuple(found) == ("The Dark Fjord", 1994, ["Drama", "War"])
    without_tmdb.dispose()


async def test_a_source_can_be_emptied_if_an_operator_confirms_it(
    crawls: Crawls, tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'emptied.sqlite'}")
    for source in ("shop", "club"):
        await arrive(engine, *await sent_by(crawls, source))
    for name in ("club/movies.csv", "club/reviews.csv"):
        heading, _, _ = FILES[name].partition("\n")
        (tmp_path / name).write_text(f"{heading}\n")
    unconfirmed = await crawls.request("club")
    refused = await crawls.crawl(unconfirmed)
    assert refused.error is not None
    await registry.advance(crawls.redis, unconfirmed, "failed")
    allowed = await crawls.request("club", allow_removals=True)
    outcome = await crawls.crawl(allowed)
    assert (outcome.error, outcome.complete) == (None, True)
    await arrive(engine, *await sent_in(crawls, allowed.run_id))
    ledger = Removals(engine).decide(allowed.run_id, allowed=True)
    assert (ledger.removed, ledger.fault) == (3, None)
    with reading(engine) as connection:
        movies = list(connection.execute(select(MOVIES.c.movie_id)).scalars())
    assert sorted(movies) == ["shop:1", "shop:amber-route", FJORD]
    engine.dispose()
