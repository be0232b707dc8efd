"""The pages of the demo site, built from the catalogue. Pure.

======================== =====================================================================
``/robots.txt``          the rules, and the URL of the sitemap
``/sitemap.xml``         index of ``/sitemap-lists.xml`` and ``/sitemap-films.xml``
``/`` and ``/films``     the movies, ``PER_LIST`` per page; ``?page=N``, linked by ``rel=next``
``/films/ttID``          a movie with its first ``PER_MOVIE`` reviews; further ones on ``?page=2``
======================== =====================================================================

Movie pages contain schema.org JSON-LD: a ``Movie`` with the reviews on the page. The ``identifier``
of a review does not depend on the host or the port of the site.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, DemoMovie, DemoReview

PER_LIST = 12
PER_MOVIE = 3

_HTML = "text/html; charset=utf-8"
_XML = "application/xml; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"

_STYLE = """
:root { color-scheme: light dark; font: 100%/1.6 system-ui, sans-serif }
body { margin: 0 auto; max-width: 44rem; padding: 1.5rem }
header a { color: inherit; text-decoration: none; font-weight: 600 }
h1 { line-height: 1.2; margin-bottom: .2rem }
.facts, .byline, footer { opacity: .75; font-size: .9rem }
ol.films { list-style: none; padding: 0 }
ol.films li { margin: 1rem 0 }
article.review { border-top: 1px solid; margin-top: 1.5rem; padding-top: .5rem }
article.review h3 { margin: .5rem 0 0 }
nav.pages { display: flex; gap: 1rem; margin: 2rem 0 }
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A response of the site: status, media type and body, with the body's entity tag."""

    status: int
    media_type: str
    body: bytes

    @property
    def etag(self) -> str:
        """A strong entity tag of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'


@dataclass(frozen=True)
class DemoSite:
    """All pages of the demo site.

    Args:
        catalogue: The movies.
        base_url: The URL of the site, without a final slash.
        disallow: Paths that robots.txt forbids.
    """

    catalogue: DemoCatalogue
    base_url: str
    disallow: Sequence[str] = ()
    _by_id: dict[str, DemoMovie] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_id = {movie.movie_id: movie for movie in self.catalogue}
        object.__setattr__(self, "_by_id", by_id)

    def page(self, target: str) -> Page:
        """The page for a request target such as ``/films?page=2``."""
        parts = urlsplit(target)
        path = parts.path.rstrip("/") or "/films"
        number = _page_number(parts.query)
        if path == "/robots.txt":
            return Page(200, _TEXT, self._robots().encode())
        if path == "/sitemap.xml":
            maps = self._urls("sitemap-lists.xml", "sitemap-films.xml")
            return _xml("sitemapindex", "sitemap", maps)
        if path == "/sitemap-lists.xml":
            return _xml("urlset", "url", self._urls("films"))
        if path == "/sitemap-films.xml":
            return _xml("urlset", "url", [self.movie_url(movie) for movie in self.catalogue])
        if path == "/films" and 1 <= number <= self.list_pages:
            return Page(200, _HTML, self._list(number).encode())
        movie = self._by_id.get(path.removeprefix("/films/"))
        if movie is not None and 1 <= number <= movie_pages(movie):
            return Page(200, _HTML, self._movie(movie, number).encode())
        return Page(404, _HTML, self._missing().encode())

    @property
    def list_pages(self) -> int:
        """Number of pages of the list of movies."""
        return -(-len(self.catalogue) // PER_LIST)

    def movie_url(self, movie: DemoMovie) -> str:
        """The URL of a movie's page."""
        return f"{self.base_url}/films/{movie.movie_id}"

    def _urls(self, *paths: str) -> list[str]:
        return [f"{self.base_url}/{path}" for path in paths]

    def _robots(self) -> str:
        rules = "".join(f"Disallow: {path}\n" for path in self.disallow) or "Disallow:\n"
        return f"User-agent: *\n{rules}\nSitemap: {self.base_url}/sitemap.xml\n"

    def _list(self, number: int) -> str:
        first = (number - 1) * PER_LIST
        entries = "\n".join(
            f'<li><a href="/films/{movie.movie_id}">{escape(movie.title)}</a> ({movie.year})'
            f"<br>{escape(movie.description)}</li>"
            for movie in self.catalogue[first : first + PER_LIST]
        )
        body = (
            f"<h1>Films</h1>\n<p>{len(self.catalogue)} films and what their viewers say. "
            f"Page {number} of {self.list_pages}.</p>\n"
            f'<ol class="films">\n{entries}\n</ol>\n{_pages("/films", number, self.list_pages)}'
        )
        return _document("Films", body, links=_page_links("/films", number, self.list_pages))

    def _movie(self, movie: DemoMovie, number: int) -> str:
        path, pages = f"/films/{movie.movie_id}", movie_pages(movie)
        first = (number - 1) * PER_MOVIE
        shown = list(enumerate(movie.reviews, 1))[first : first + PER_MOVIE]
        reviews = "\n".join(_review_html(at, review) for at, review in shown)
        body = f"""<main>
<h1>{escape(movie.title)}</h1>
<p class="facts">{movie.year} · {escape(", ".join(movie.genres))} · directed by
{escape(movie.director)} · {escape(movie.country)}</p>
<p>{escape(movie.description)}</p>
<p class="facts">Viewers: <strong>{movie.mean_rating}</strong> of 10, {len(movie.reviews)} reviews ·
<a href="https://www.imdb.com/title/{movie.movie_id}/" rel="external nofollow">IMDb</a></p>
<section>
<h2>What viewers say</h2>
{reviews}
</section>
{_pages(path, number, pages)}
</main>"""
        links = _page_links(path, number, pages) + _script(self.movie_json(movie, number))
        return _document(f"{movie.title} ({movie.year})", body, links=links)

    def movie_json(self, movie: DemoMovie, number: int) -> dict[str, Any]:
        """The JSON-LD of page ``number`` of a movie."""
        url = self.movie_url(movie)
        first = (number - 1) * PER_MOVIE
        shown = list(enumerate(movie.reviews, 1))[first : first + PER_MOVIE]
        return {
            "@context": "https://schema.org",
            "@type": "Movie",
            "@id": f"{url}#film",
            "url": url,
            "identifier": movie.movie_id,
            "sameAs": f"https://www.imdb.com/title/{movie.movie_id}/",
            "name": movie.title,
            "datePublished": str(movie.year),
            "genre": list(movie.genres),
            "director": [{"@type": "Person", "name": name} for name in movie.director.split(", ")],
            "countryOfOrigin": {"@type": "Country", "name": movie.country},
            "description": movie.description,
            "aggregateRating": {
                "@type": "AggregateRating",
                "ratingValue": movie.mean_rating,
                "bestRating": 10,
                "worstRating": 1,
                "ratingCount": len(movie.reviews),
            },
            "review": [_review_json(url, movie, at, review) for at, review in shown],
        }

    def _missing(self) -> str:
        body = '<h1>Not here</h1>\n<p>No such page. <a href="/films">All films</a>.</p>'
        return _document("Not here", body)


def movie_pages(movie: DemoMovie) -> int:
    """Number of pages for a movie's reviews."""
    return -(-len(movie.reviews) // PER_MOVIE)


def _page_number(query: str) -> int:
    given = parse_qs(query).get("page", ["1"])[0]
    return int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0


def _review_json(url: str, movie: DemoMovie, at: int, review: DemoReview) -> dict[str, Any]:
    return {
        "@type": "Review",
        "identifier": f"{movie.movie_id}-review-{at}",
        "url": f"{url}#review-{at}",
        "name": review.title,
        "author": {"@type": "Person", "name": review.author},
        "datePublished": review.date.isoformat(),
        "inLanguage": "en",
        "reviewRating": {
            "@type": "Rating",
            "ratingValue": review.rating,
            "bestRating": 10,
            "worstRating": 1,
        },
        "reviewBody": review.text,
    }


def _review_html(at: int, review: DemoReview) -> str:
    return f"""<article class="review" id="review-{at}">
<h3>{escape(review.title)}</h3>
<p class="byline">{review.rating} of 10 · {escape(review.author)} ·
<time datetime="{review.date.isoformat()}">{review.date.isoformat()}</time></p>
<p>{escape(review.text)}</p>
</article>"""


def _script(data: dict[str, Any]) -> str:
    # "<" is escaped, so that no text can end the script element.
    text = json.dumps(data, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    return f'<script type="application/ld+json">\n{text}\n</script>\n'


def _page_links(path: str, number: int, pages: int) -> str:
    here = path if number == 1 else f"{path}?page={number}"
    links = f'<link rel="canonical" href="{here}">\n'
    if number > 1:
        links += f'<link rel="prev" href="{_page_path(path, number - 1)}">\n'
    if number < pages:
        links += f'<link rel="next" href="{_page_path(path, number + 1)}">\n'
    return links


def _pages(path: str, number: int, pages: int) -> str:
    if pages == 1:
        return ""
    links = []
    if number > 1:
        links.append(f'<a rel="prev" href="{_page_path(path, number - 1)}">Back</a>')
    if number < pages:
        links.append(f'<a rel="next" href="{_page_path(path, number + 1)}">More</a>')
    return f'<nav class="pages">{" ".join(links)}</nav>'


def _page_path(path: str, number: int) -> str:
    return path if number == 1 else f"{path}?page={number}"


def _document(title: str, body: str, *, links: str = "") -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(title)} · Demo films</title>
<meta name="viewport" content="width=device-width">
{links}<style>{_STYLE}</style>
</head>
<body>
<header><a href="/films">Demo films</a></header>
{body}
<footer><p>Every text here was written for this demo; no viewer of these names exists.</p></footer>
</body>
</html>
"""


def _xml(root: str, element: str, urls: Sequence[str]) -> Page:
    entries = "\n".join(f"<{element}><loc>{escape(url)}</loc></{element}>" for url in urls)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{root} xmlns="{_SITEMAP}">\n{entries}\n</{root}>\n'
    )
    return Page(200, _XML, text.encode())
