"""The real demo site, whose movies a test may change, and which records the requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from services.ingest.demo_site import demo_server
from services.ingest.demo_site.demo_catalogue import DemoCatalogue, DemoMovie, DemoReview
from services.ingest.demo_site.demo_pages import DemoSite, Page


@dataclass
class WatchedSite:
    """A site that is being served.

    Args:
        url: Its base URL.
        demo_site: The pages.
        asked: Path and status of each response, in order.
        answers: Called for each path; returns a page that replaces the site's, or None.
        seen: Called with each path before the response.
        redirects: Path to the path it redirects to.
    """

    url: str
    demo_site: DemoSite
    asked: list[tuple[str, int]] = field(default_factory=list)
    answers: Callable[[str], Page | None] = lambda _: None
    seen: Callable[[str], object] = lambda _: None
    redirects: dict[str, str] = field(default_factory=dict)

    @property
    def catalogue(self) -> DemoCatalogue:
        return self.demo_site.catalogue

    @catalogue.setter
    def catalogue(self, catalogue: DemoCatalogue) -> None:
        self.demo_site = replace(self.demo_site, catalogue=catalogue)

    def page(self, target: str) -> Page:
        """What the server asks for."""
        self.seen(target)
        return self.answers(target) or self.demo_site.page(target)

    def pages_asked(self, status: int | None = None) -> list[str]:
        """Paths of the pages asked for, robots.txt aside."""
        return [
            path
            for path, given in list(self.asked)
            if path != "/robots.txt" and status in {None, given}
        ]

    def forget(self) -> None:
        self.asked.clear()


class _Handler(demo_server._Handler):
    site: WatchedSite

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        target = self.site.redirects.get(self.path)
        if target is None:
            super().do_GET()
            return
        self.send_response(301)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_response(self, code: int, message: str | None = None) -> None:
        self.site.asked.append((self.path, int(code)))
        super().send_response(code, message)


@contextmanager
def watched_site(
    catalogue: DemoCatalogue, *, disallow: Sequence[str] = ()
) -> Iterator[WatchedSite]:
    """Serve the movies while the context lasts."""
    server = demo_server._bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.server_port}"
    watched = WatchedSite(url, DemoSite(catalogue, url, disallow))
    site: Any = watched
    server.site = site
    server.RequestHandlerClass = type("Handler", (_Handler,), {"site": watched})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def edited(
    catalogue: DemoCatalogue, at: int, edit: Callable[[DemoMovie], DemoMovie]
) -> DemoCatalogue:
    """The movies, with one of them changed."""
    return (*catalogue[:at], edit(catalogue[at]), *catalogue[at + 1 :])


def with_reviews(movie: DemoMovie, reviews: Sequence[DemoReview]) -> DemoMovie:
    return movie.model_copy(update={"reviews": tuple(reviews)})
