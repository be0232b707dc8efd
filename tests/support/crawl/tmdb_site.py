"""A local server that answers in the structure of TMDB's interface, with invented movies.

Real HTTP on loopback. It refuses requests without the token, as TMDB does. Answers have entity
tags. A test may change ``movies`` between two crawls, put other answers into ``answers``, let the
server ask for a pause (``pauses``), and read ``requests``.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "an-invented-token"
PREFIX = "/3"


def tmdb_review(number: int, text: str, points: float | None = 8.0) -> dict[str, Any]:
    """A review as ``/movie/{id}/reviews`` lists it."""
    return {
        "author": f"Viewer {number}",
        "author_details": {
            "name": f"Viewer {number}",
            "username": f"viewer{number}",
            "avatar_path": None,
            "rating": points,
        },
        "content": text,
        "created_at": f"2021-03-{number % 28 + 1:02}T08:09:10.123Z",
        "id": f"5f0{number:021x}",
        "updated_at": "2021-06-23T15:57:54.649Z",
        "url": f"https://www.themoviedb.org/review/5f0{number:021x}",
    }


def tmdb_movie(number: int, imdb_id: str | None, title: str, **facts: Any) -> dict[str, Any]:
    """A movie as ``/movie/{id}`` answers it, with what was asked to be appended."""
    return {
        "adult": False,
        "backdrop_path": "/back.jpg",
        "belongs_to_collection": None,
        "budget": 0,
        "genres": [{"id": 18, "name": "Drama"}, {"id": 36, "name": "History"}],
        "homepage": "",
        "id": number,
        "imdb_id": imdb_id,
        "origin_country": ["NO"],
        "original_language": "no",
        "original_title": f"{title} (på norsk)",
        "overview": f"{title}: a ferryman & his goat cross the fjord.",
        "popularity": 12.3,
        "poster_path": f"/poster{number}.jpg",
        "production_companies": [],
        "production_countries": [{"iso_3166_1": "NO", "name": "Norway"}],
        "release_date": "1994-09-23",
        "revenue": 0,
        "runtime": 142,
        "spoken_languages": [
            {"english_name": "Norwegian", "iso_639_1": "no", "name": "Norsk"},
            {"english_name": "Japanese", "iso_639_1": "ja", "name": "日本語"},
        ],
        "status": "Released",
        "tagline": "",
        "title": title,
        "video": False,
        "vote_average": 8.7,
        "vote_count": 27123,
        "credits": {
            "cast": [
                {"id": 1, "name": "Ada Invented", "character": "Goat", "order": 0},
                {"id": 2, "name": "Bo Imagined", "character": "Ferryman", "order": 1},
            ],
            "crew": [
                {"id": 3, "name": "Cy Written", "department": "Writing", "job": "Screenplay"},
                {"id": 4, "name": "Di Directed", "department": "Directing", "job": "Director"},
            ],
        },
        "keywords": {"keywords": [{"id": 378, "name": "ferry"}, {"id": 379, "name": "goat"}]},
        "external_ids": {"imdb_id": imdb_id, "wikidata_id": None},
        **facts,
    }


@dataclass
class TmdbSite:
    """The interface. ``movies`` is number to movie, ``reviews`` number to the movie's reviews."""

    movies: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    page_size: int = 2
    robots: str = "User-agent: *\nAllow: /\n"
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    pauses: int = 0
    requests: list[tuple[str, int]] = field(default_factory=list)

    def add(self, movie: dict[str, Any], *reviews: dict[str, Any]) -> None:
        """Add a movie with its reviews."""
        self.movies[movie["id"]] = movie
        self.reviews[movie["id"]] = list(reviews)

    def answer(self, target: str) -> tuple[int, Any]:
        """Status and content of the answer to a request for ``target``, a path with its query."""
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path in self.answers:
            return self.answers[parts.path]
        match parts.path.removeprefix(PREFIX).strip("/").split("/"):
            case ["find", imdb_id] if query.get("external_source") == "imdb_id":
                found = [movie for movie in self.movies.values() if movie["imdb_id"] == imdb_id]
                return 200, {
                    "movie_results": [_summary(movie) for movie in found],
                    "person_results": [],
                    "tv_results": [],
                    "tv_episode_results": [],
                    "tv_season_results": [],
                }
            case ["movie", number] if int(number) in self.movies:
                asked = set(query.get("append_to_response", "").split(","))
                appendable = {"credits", "keywords", "external_ids"}
                movie = self.movies[int(number)]
                return 200, {
                    key: value
                    for key, value in movie.items()
                    if key not in appendable or key in asked
                }
            case ["movie", number, "reviews"] if int(number) in self.movies:
                return 200, self._reviews(int(number), int(query.get("page", "1")))
        return 404, {
            "success": False,
            "status_code": 34,
            "status_message": "The resource you requested could not be found.",
        }

    def _reviews(self, number: int, page: int) -> dict[str, Any]:
        reviews = self.reviews[number]
        start = (page - 1) * self.page_size
        return {
            "id": number,
            "page": page,
            "results": reviews[start : start + self.page_size],
            "total_pages": -(-len(reviews) // self.page_size),
            "total_results": len(reviews),
        }


def _summary(movie: dict[str, Any]) -> dict[str, Any]:
    return {"id": movie["id"], "title": movie["title"], "media_type": "movie"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        if self.path == "/robots.txt":
            self._send(200, site.robots.encode(), "text/plain")
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            refusal = {"status_code": 7, "status_message": "Invalid API key.", "success": False}
            self._send(401, json.dumps(refusal).encode())
            return
        if site.pauses:
            site.pauses -= 1
            self._send(429, b"{}", pause_s=1)
            return
        status, content = site.answer(self.path)
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self._send(status, body)

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", *, pause_s: int = 0
    ) -> None:
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self.server.site.requests.append((self.path, status))
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Type", f"{kind};charset=utf-8")
        if pause_s:
            self.send_header("Retry-After", str(pause_s))
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: TmdbSite


@contextmanager
def serve_tmdb_site(site: TmdbSite) -> Iterator[str]:
    """Serve the interface in a thread while the context lasts; yields its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = site
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="tmdb-site", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
