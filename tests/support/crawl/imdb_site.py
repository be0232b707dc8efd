"""A small site in the structure of IMDb's pages, with invented movies and reviews.

Real HTTP on loopback: a search that is sorted, filtered and cut into pages as IMDb's is, title
pages, and reviews that go over several pages. ``markup`` says in which of the structures of
``services.ingest.pages.imdb.pages`` it answers: ``data`` (``__NEXT_DATA__``), ``components``
(``ipc-`` elements) or ``lister`` (the older elements). Pages have entity tags. A test may change
``movies`` between two crawls, put other responses into ``answers``, and read ``requests``.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.crawl.imdb_markup import (
    SiteMovie,
    SiteReview,
    list_components_page,
    list_data_page,
    list_lister_page,
    reviews_components_page,
    reviews_data_page,
    reviews_lister_page,
    title_page,
)

Markup = Literal["data", "components", "lister"]
Paging = Literal["link", "cursor"]

_OPINIONS = ("Loved", "Liked", "Sat through", "Left", "Watched", "Remember", "Forgot")
_WHY = (
    "the light in every scene",
    "the long silences",
    "a song that will not go away",
    "the jokes about the goat",
    "two people on a ferry",
    "the rain on the last reel",
)


def invented_movies(count: int, *, reviews: int = 3) -> list[SiteMovie]:
    """Films with reviews of which no two are alike; the first is the best rated."""
    return [
        SiteMovie(
            movie_id=f"tt{9_000_000 + number}",
            title=f"The Ferryman's Goat {number + 1} & Other Stories",
            year=1950 + number % 70,
            rating=round(max(9.5 - number * 0.1, 1.0), 1),
            votes=1_000_000 - number * 1_000,
            genres=("Comedy", "Drama") if number % 2 else ("Drama",),
            directors=(f"Ada Invented {number % 5}",),
            plot=f"A ferryman & his goat cross the river for the {number + 1}th time.",
            reviews=[_review(number, at) for at in range(reviews)],
        )
        for number in range(count)
    ]


def _review(movie: int, at: int) -> SiteReview:
    opinion, why = _OPINIONS[at % len(_OPINIONS)], _WHY[(movie + at) % len(_WHY)]
    return SiteReview(
        review_id=f"rw{7_000_000 + movie * 1_000 + at}",
        text=f"{opinion} part {movie + 1}, for {why}.<br/><br/>Viewer {at} isn&#39;t alone &amp; "
        f"saw it {at + 2} times, the last time with a friend who sleeps in every film.",
        rating=None if at % 7 == 6 else (at * 3) % 10 + 1,
        title=f"{opinion} it {at}",
        author=f"viewer-{movie}-{at}",
        published=date(2001, 2, 3) + timedelta(days=movie * 40 + at),
        spoiler=at % 4 == 3,
    )


@dataclass
class ImdbSite:
    """The site. A page has ``page_size`` movies or reviews, whatever count is requested."""

    movies: list[SiteMovie]
    markup: Markup = "data"
    paging: Paging = "link"
    page_size: int = 50
    robots: str = "User-agent: *\nAllow: /\n"
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    requests: list[tuple[str, int]] = field(default_factory=list)

    def page(self, target: str) -> tuple[int, str]:
        """Status and text of the answer to a request for ``target``, a path with its query."""
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if target in self.answers:
            return self.answers[target]
        if parts.path == "/robots.txt":
            return 200, self.robots
        if parts.path == "/search/title/":
            return 200, self._list(target, query)
        match parts.path.strip("/").split("/"):
            case ["title", movie_id]:
                movie = self._movie(movie_id)
                return (404, "no such title") if movie is None else (200, title_page(movie))
            case ["title", movie_id, "reviews", *ajax]:
                movie = self._movie(movie_id)
                if movie is None:
                    return 404, "no such title"
                return 200, self._reviews(movie, query, is_fragment=bool(ajax))
        return 404, "no such page"

    def _movie(self, movie_id: str) -> SiteMovie | None:
        return next((movie for movie in self.movies if movie.movie_id == movie_id), None)

    def _list(self, target: str, query: dict[str, str]) -> str:
        least_votes = int(query.get("num_votes", "0,").split(",")[0])
        least, most = [*query.get("user_rating", ",").split(","), ""][:2]
        matches = sorted(
            (
                movie
                for movie in self.movies
                if movie.votes >= least_votes
                and float(least or 0) <= movie.rating <= float(most or 10)
            ),
            key=lambda movie: (-movie.rating, movie.movie_id),
        )
        start = int(query.get("start", "1")) - 1
        shown = matches[start : start + min(self.page_size, int(query.get("count", "50")))]
        is_last = start + len(shown) >= len(matches)
        if self.markup == "data":
            return list_data_page(shown, total=len(matches))
        if self.markup == "components":
            return list_components_page(shown, has_more=not is_last)
        after = {**query, "start": str(start + len(shown) + 1)}
        path = urlsplit(target).path
        return list_lister_page(shown, next_href=None if is_last else f"{path}?{urlencode(after)}")

    def _reviews(self, movie: SiteMovie, query: dict[str, str], *, is_fragment: bool) -> str:
        at = int(query.get("paginationKey", query.get("from", "0")))
        shown = movie.reviews[at : at + self.page_size]
        following = at + len(shown) if at + len(shown) < len(movie.reviews) else None
        if is_fragment or self.markup == "lister":
            return reviews_lister_page(movie, shown, cursor=following, is_fragment=is_fragment)
        place = f"/title/{movie.movie_id}/reviews/"
        href = None if following is None else f"{place}?from={following}"
        if self.markup == "components":
            return reviews_components_page(movie, shown, next_href=href)
        if self.paging == "cursor":
            return reviews_data_page(movie, shown, cursor=following)
        return reviews_data_page(movie, shown, next_href=href)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        status, text = site.page(self.path)
        body = text.encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        site.requests.append((self.path, status))
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header(
            "Content-Type",
            "text/plain" if self.path == "/robots.txt" else "text/html; charset=utf-8",
        )
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: ImdbSite


@contextmanager
def serve_imdb_site(site: ImdbSite) -> Iterator[str]:
    """Serve a site in a thread while the context lasts; yields its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = site
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="imdb-site", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
