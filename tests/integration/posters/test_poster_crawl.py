"""Posters are fetched by the rules of a crawl, once; a bad one costs itself and is counted.

The crawl is the process that the supervisor starts; TMDB's interface and the pictures are on local
servers, and Redis is real.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import PosterMessage, parse
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.runs.unread_list import list_examples
from tests.support.crawl import pictures
from tests.support.crawl.crawls import Crawls, Sent
from tests.support.crawl.hostile_site import (
    MIB,
    Answer,
    Asked,
    HostileSite,
    Route,
    answer,
    deflate_bomb,
    hostile_site,
)
from tests.support.crawl.tmdb_site import TOKEN, TmdbSite, serve_tmdb_site, tmdb_movie, tmdb_review
from tests.support.waiting import async_wait_until

CONFIG = """[sources.tmdb]
spider = "tmdb"
api_url = "{url}"
image_url = "{images}"
allow_private = true
delay_s = 0.01
key_file = "tmdb-token"
tmdb_ids = {ids}
"""
KIND = {"kind": "image/jpeg"}


def picture(body: bytes, **options: str) -> Route:
    """A route to a picture, said to be a JPEG."""
    return lambda _: answer(body, **{**KIND, **options})  # type: ignore[arg-type]


class Catalogue:
    """Movies at TMDB's interface, and pictures on another host; ``routes`` may be changed."""

    def __init__(self, crawls: Crawls, tmdb: TmdbSite, api: str) -> None:
        self.crawls = crawls
        self.tmdb = tmdb
        self._api = api
        self.routes: dict[str, Route] = {}
        self.last: Run | None = None

    def add(self, number: int, path: str | None, route: Route | None = None) -> None:
        """Add a movie whose poster is at ``path``."""
        movie = tmdb_movie(number, None, f"Movie {number}", poster_path=path)
        self.tmdb.add(movie, tmdb_review(number, f"What is said of movie {number}."))
        if path is not None and route is not None:
            self.routes[path] = route

    def configure(self, images: HostileSite, more: str = "") -> None:
        """Make a source of all movies."""
        ids = sorted(self.tmdb.movies)
        config = CONFIG.format(url=self._api, images=images.url(path=""), ids=ids)
        self.crawls.configure(config + more)
        (self.crawls.folder / "tmdb-token").write_text(f"{TOKEN}\n")

    async def crawl(self, images: HostileSite, more: str = "") -> tuple[Sent, list[PosterMessage]]:
        """Crawl as the next run; the run must be complete whatever happens to pictures."""
        self.configure(images, more)
        run = await self.crawls.request("tmdb")
        outcome = await self.crawls.crawl(run)
        assert outcome.error is None, f"{outcome.error}\n{self.crawls.errors.decode()}"
        sent = await self.crawls.sent(run)
        sent.assert_balanced(complete=True)
        await self.crawls.settle(run)
        self.last = await registry.get_run(self.crawls.redis, run.run_id)
        entries = await self.crawls.redis.xrange(REVIEWS_STREAM)
        messages = [parse(fields) for _, fields in entries]
        return sent, [
            message
            for message in messages
            if isinstance(message, PosterMessage) and message.run_id == run.run_id
        ]

    async def unread(self) -> dict[str, str]:
        """What the last run could not read: the path of a picture to the reason."""
        assert self.last is not None
        examples = await list_examples(self.crawls.redis, self.last.run_id)
        assert all(example.kind == "value" for example in examples)
        assert self.last.unread_values == len(examples)
        return {example.where.rpartition("/")[2]: example.why for example in examples}


@pytest.fixture
def catalogue(redis: Client, redis_url: str, tmp_path: Path) -> Iterator[Catalogue]:
    tmdb = TmdbSite()
    with serve_tmdb_site(tmdb) as api:
        yield Catalogue(Crawls(redis, redis_url, tmp_path), tmdb, api)


def size_of(message: PosterMessage) -> tuple[int, int]:
    with Image.open(BytesIO(message.image)) as image:
        return image.size


async def test_posters_are_fetched_once_and_travel_small(catalogue: Catalogue) -> None:
    catalogue.add(1, "/one.jpg", picture(pictures.jpeg(seed=1)))
    catalogue.add(2, "/two.jpg", picture(pictures.jpeg(seed=2)))
    catalogue.add(3, "/two.jpg")
    catalogue.add(4, None)
    with hostile_site(catalogue.routes) as images:
        sent, posters = await catalogue.crawl(images)
        assert len(sent.movies) == 4
        assert {message.url for message in posters} == {
            images.url(path="/one.jpg"), images.url(path="/two.jpg")
        }  # fmt: skip
        assert {size_of(message) for message in posters} == {(342, 513)}
        assert sorted(images.paths()) == ["/one.jpg", "/robots.txt", "/two.jpg"]
        assert not any("authorization" in asked.headers for asked in images.asked)
        assert await catalogue.unread() == {}
        assert catalogue.last is not None
        assert catalogue.last.sites[f"127.0.0.1:{images.port}"].requests == 3

        images.asked.clear()
        again, posters = await catalogue.crawl(images)
        assert (len(again.kept), posters, images.paths()) == (8, [], [])

        catalogue.tmdb.movies[1]["poster_path"] = "/new.jpg"
        images.put("/new.jpg", picture(pictures.jpeg(seed=5)))
        _, posters = await catalogue.crawl(images)
        assert [message.url for message in posters] == [images.url(path="/new.jpg")]


async def test_without_posters_nothing_is_asked_of_the_host(catalogue: Catalogue) -> None:
    catalogue.add(1, "/one.jpg", picture(pictures.jpeg()))
    with hostile_site(catalogue.routes) as images:
        sent, posters = await catalogue.crawl(images, "posters = false\n")
        assert sent.movies["tmdb:1"].movie.poster_url == images.url(path="/one.jpg")
        assert (posters, images.paths()) == ([], [])
        # Turned on later, it is fetched although nothing else has changed.
        _, posters = await catalogue.crawl(images)
        assert len(posters) == 1


def _fifty_megabytes(_: Asked) -> Answer:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n"
    yield pictures.jpeg()
    yield from itertools.repeat(bytes(65_536), 50 * MIB // 65_536)


HOSTILE: Mapping[str, tuple[Route, str]] = {
    "bomb.png": (picture(pictures.png_bomb()), "more than 16000000"),
    "packed.jpg": (
        picture(deflate_bomb(200 * MIB), Content_Encoding="gzip"), "cannot be decompressed"
    ),
    "large.jpg": (_fifty_megabytes, "no poster: "),
    "page.jpg": (picture(pictures.HTML), "not a JPEG"),
    "script.svg": (picture(pictures.SVG, kind="image/svg+xml"), "not a JPEG"),
    "half.jpg": (picture(pictures.jpeg()[:9_000]), "a damaged picture"),
    "missing.jpg": (lambda _: answer("", 404), "HTTP status 404"),
    "inside.jpg": (
        lambda _: answer("", 302, Location="http://169.254.169.254/latest/meta-data/"),
        "169.254.169.254:80, which is not a host of the source",
    ),
    "local.jpg": (
        lambda asked: answer("", 302, Location=f"http://localhost:{asked.host.rpartition(':')[2]}/one.jpg"),
        "which is not a host of the source",
    ),
    "forbidden.jpg": (picture(pictures.jpeg()), "Forbidden by robots.txt"),
}  # fmt: skip
ODD: Mapping[str, Route] = {
    "moving.jpg": picture(pictures.animated_gif()),
    "print.jpg": picture(pictures.encoded(pictures.drawn(mode="CMYK"))),
    "deep.jpg": picture(pictures.deep_png()),
    "said-to-be-text.jpg": picture(pictures.jpeg(seed=3), kind="text/html"),
    "moved.jpg": lambda _: answer("", 301, Location="/moving.jpg"),
}


async def test_hostile_pictures_cost_themselves(catalogue: Catalogue) -> None:
    for number, (name, (route, _)) in enumerate(HOSTILE.items(), 1):
        catalogue.add(number, f"/{name}", route)
    for number, (name, route) in enumerate(ODD.items(), 101):
        catalogue.add(number, f"/{name}", route)
    catalogue.routes["/robots.txt"] = lambda _: answer(
        "User-agent: *\nDisallow: /forbidden.jpg\n", kind="text/plain"
    )
    with hostile_site(catalogue.routes) as images:
        sent, posters = await catalogue.crawl(images)
        assert len(sent.movies) == len(HOSTILE) + len(ODD)
        assert {message.url.rpartition("/")[2] for message in posters} == set(ODD)
        unread = await catalogue.unread()
        assert set(unread) == set(HOSTILE)
        for name, (_, why) in HOSTILE.items():
            assert why in unread[name], name
        assert images.of("/forbidden.jpg") == []
        assert max(asked.sent_bytes for asked in images.of("/large.jpg")) < 14 * MIB
        assert catalogue.last is not None
        assert catalogue.last.unread_pages == catalogue.last.unread_rows == 0
        # They are tried again by the next run, once.
        images.asked.clear()
        _, posters = await catalogue.crawl(images)
        assert posters == []
        assert set(await catalogue.unread()) == set(HOSTILE)


@pytest.mark.parametrize("status", [403, 503])
async def test_a_host_that_refuses_pictures_ends_their_fetching_only(
    catalogue: Catalogue, status: int
) -> None:
    for number in range(1, 9):
        catalogue.add(number, f"/{number}.jpg", lambda _: answer("", status, Retry_After="900"))
    with hostile_site(catalogue.routes) as images:
        sent, posters = await catalogue.crawl(images)
        assert (len(sent.movies), posters) == (8, [])
        unread = await catalogue.unread()
        assert "blocks the crawl" in unread["posters"]
        assert len(images.paths()) < 9
        # When the host is well again, the pictures arrive although no page has changed.
        for number in range(1, 9):
            images.put(f"/{number}.jpg", picture(pictures.jpeg(seed=number)))
        _, posters = await catalogue.crawl(images)
        assert len(posters) == 8


async def test_robots_of_the_pictures_host_apply(catalogue: Catalogue) -> None:
    catalogue.add(1, "/one.jpg", picture(pictures.jpeg()))
    catalogue.routes["/robots.txt"] = lambda _: answer("", 500)
    with hostile_site(catalogue.routes) as images:
        _, posters = await catalogue.crawl(images)
        assert (posters, images.of("/one.jpg")) == ([], [])
        assert "robots.txt" in (await catalogue.unread())["one.jpg"]


async def test_hosts_that_are_not_named_are_not_asked(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    """A site names pictures elsewhere; a data set's pictures are at a private address."""
    crawls = Crawls(redis, redis_url, tmp_path)
    with hostile_site({"/far.jpg": picture(pictures.jpeg())}) as elsewhere:
        page = (
            '<script type="application/ld+json">{"@type": "Movie", "name": "The Oar",'
            f' "image": "{elsewhere.url(host="localhost", path="/far.jpg")}",'
            ' "review": {"@type": "Review", "reviewBody": "Rowing at its best."}}</script>'
        )
        with hostile_site({"/movie": lambda _: answer(page)}) as site:
            crawls.configure(
                '[sources.site]\nspider = "schema_org"\n'
                f'start_urls = ["{site.url(path="/movie")}"]\n'
                "allow_private = true\ndelay_s = 0.01\nposters = true\n"
            )
            run = await crawls.baseline("site")
            [example] = await list_examples(redis, run.run_id)
            assert "which is not a host of the source" in example.why
            assert elsewhere.paths() == []
            with (crawls.folder / "sources.toml").open("a") as file:
                file.write(f'poster_hosts = ["localhost:{elsewhere.port}"]\n')
            run = await crawls.baseline("site")
            assert await list_examples(redis, run.run_id) == []
            assert elsewhere.paths() == ["/robots.txt", "/far.jpg"]
        (tmp_path / "movies.csv").write_text(
            f"movie_id,title,poster_url\nm1,The Oar,{elsewhere.url('localhost', '/far.jpg')}\n"
        )
        crawls.configure(
            '[sources.file]\nspider = "dataset"\nmovies = "movies.csv"\nposters = true\n'
            f'poster_hosts = ["localhost:{elsewhere.port}"]\n'
        )
        crawls.settings["MOVIE_SEARCH_CRAWL_CONTACT"] = "https://operator.example/"
        elsewhere.asked.clear()
        run = await crawls.baseline("file")
        [example] = await list_examples(redis, run.run_id)
        assert "localhost has a private address" in example.why
        assert elsewhere.paths() == []


async def test_the_run_goes_on_when_the_process_of_posters_is_killed(catalogue: Catalogue) -> None:
    """So it does when a picture crashes the decoder."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def silent(one: Asked) -> Answer:
        loop.call_soon_threadsafe(asked.set)
        one.gone.wait(60)
        return ()

    catalogue.add(1, "/1.jpg", silent)
    with hostile_site(catalogue.routes) as images:
        crawls = catalogue.crawls
        catalogue.configure(images)
        run = await crawls.request("tmdb")
        process = await crawls.start(run)
        await asyncio.wait_for(asked.wait(), 60)
        [child] = psutil.Process(process.pid).children()
        child.kill()
        outcome = await crawls.finish(process)
        assert outcome.error is None
        (await crawls.sent(run)).assert_balanced(complete=True)


async def test_the_runs_time_limit_ends_the_fetching_and_not_the_run(catalogue: Catalogue) -> None:
    def silent(one: Asked) -> Answer:
        one.gone.wait(60)
        return ()

    for number in range(1, 30):
        catalogue.add(number, f"/{number}.jpg", silent)
    with hostile_site(catalogue.routes) as images:
        began = time.monotonic()
        sent, posters = await catalogue.crawl(images, 'time_limit = "36s"\n')
        assert time.monotonic() - began < 36
        assert (len(sent.movies), posters) == (29, [])
        for number in range(1, 30):
            images.put(f"/{number}.jpg", picture(pictures.jpeg(seed=number)))
        _, posters = await catalogue.crawl(images)
        assert len(posters) == 29


async def test_a_crawl_that_is_killed_while_it_fetches_fetches_the_rest(
    catalogue: Catalogue,
) -> None:
    """The attempt after it sends the run's end and counts no picture twice."""
    asked: list[str] = []

    def slow(one: Asked) -> Answer:
        asked.append(one.target)
        if len(asked) == 3:
            one.gone.wait(60)
        return answer(pictures.jpeg(seed=int(one.target[1])), **KIND)  # type: ignore[arg-type]

    async def reached() -> bool:
        return len([path for path in asked if path != "/robots.txt"]) == 3

    for number in range(1, 6):
        catalogue.add(number, f"/{number}.jpg", slow)
    with hostile_site(catalogue.routes) as images:
        crawls = catalogue.crawls
        catalogue.configure(images)
        run = await crawls.request("tmdb")
        process = await crawls.start(run)
        await async_wait_until(reached)
        process.kill()
        await process.wait()
        outcome = await crawls.crawl(run)
        assert outcome.error is None, crawls.errors.decode()
        (await crawls.sent(run)).assert_balanced(complete=True)
        entries = [parse(fields) for _, fields in await crawls.redis.xrange(REVIEWS_STREAM)]
        urls = [message.url for message in entries if isinstance(message, PosterMessage)]
        assert {url.rpartition("/")[2] for url in urls} == {f"{n}.jpg" for n in range(1, 6)}
