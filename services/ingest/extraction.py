"""Films and reviews out of a page's schema.org JSON-LD. Pure: bytes in, items out.

Sites mark up in many ways: a ``Movie`` alone, in an array or in a ``@graph``; with its reviews
nested, or with ``Review`` nodes apart that name it by ``itemReviewed``; with several types; with
references by ``@id``; in scripts wrapped in CDATA or comments. A block that is not JSON is counted
and skipped, and the page's other blocks are still read.

A ``Movie`` that only points to another page (a list's entry) is not taken: the film is read where
its page is, with all its fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import lxml.etree
import lxml.html
from extruct.jsonld import JsonLdExtractor

from services.ingest.cleaning import clean_text
from services.ingest.identifiers import canonical_url, imdb_movie_id, movie_id
from services.ingest.items import MovieItem, ReviewItem

_MAX_NODES = 20_000  # of one page; no honest page has as many
_JSONLD = "application/ld+json"
_CDATA = re.compile(r"(?://|/\*)?\s*(?:<!\[CDATA\[|\]\]>)\s*(?:\*/)?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML text cannot hold them
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")

Node = dict[str, Any]


@dataclass(slots=True)
class Film:
    """A film on a page and the reviews of it that the page shows."""

    movie: MovieItem
    reviews: list[ReviewItem] = field(default_factory=list)


@dataclass(slots=True)
class PageContent:
    """What a page's JSON-LD says; ``bad_blocks`` scripts were not JSON."""

    films: list[Film]
    bad_blocks: int = 0
    reviews_without_text: int = 0


def extract(body: bytes, url: str, source: str, *, encoding: str = "utf-8") -> PageContent:
    """Read a page.

    Args:
        body: The page as received.
        url: Where it was found; relative links are resolved against it.
        source: The source's name, for the ids of films without an IMDb id.
        encoding: The encoding that HTTP or the page declares.
    """
    blocks, bad = _json_blocks(body, encoding)
    page = _Page(url, source, [node for block in blocks for node in _nodes(block)])
    content = page.read()
    content.bad_blocks = bad
    return content


def _json_blocks(body: bytes, encoding: str) -> tuple[list[Any], int]:
    try:
        text = body.decode(encoding, errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    # Python knows more names of encodings than libxml2 does.
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        tree = lxml.html.document_fromstring(text.encode(errors="replace"), parser=parser)
    except (lxml.etree.LxmlError, ValueError):
        return [], 0
    extractor = JsonLdExtractor()
    blocks: list[Any] = []
    bad = 0
    for script in tree.iter("script"):
        if (script.get("type") or "").split(";")[0].strip().lower() != _JSONLD:
            continue
        script.set("type", _JSONLD)  # extruct knows no parameters
        script.text = _CONTROL.sub(" ", _CDATA.sub("", script.text or "")).strip()
        try:
            blocks.extend(extractor.extract_items(script))
        except (ValueError, RecursionError):
            bad += 1
    return blocks, bad


def _nodes(block: Any) -> Iterator[Node]:
    """Every object in a block, outermost first; a loop, because pages nest as deep as they like."""
    waiting = [block]
    seen = 0
    while waiting and seen < _MAX_NODES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


class _Page:
    """One page's nodes, and who refers to whom."""

    def __init__(self, url: str, source: str, nodes: list[Node]) -> None:
        self._url = url
        self._source = source
        self._nodes = nodes
        self._by_id: dict[str, Node] = {}
        for node in nodes:
            name = node.get("@id")
            if isinstance(name, str) and len(node) > 1:
                self._by_id.setdefault(name, node)
        self._films: dict[str, Film] = {}
        self._textless = 0

    def read(self) -> PageContent:
        nested: set[int] = set()  # reviews inside a movie, and the movie named inside a review
        for node in self._nodes:
            if "Review" in _types(node) or "UserReview" in _types(node):
                nested.update(id(part) for part in _list(node.get("itemReviewed")))
        for node in self._nodes:
            if "Movie" not in _types(node) or id(node) in nested:
                continue
            reviews = [
                review
                for key in ("review", "reviews")
                for part in _list(node.get(key))
                if isinstance(review := self._resolved(part), dict)
            ]
            nested.update(id(review) for review in reviews)
            if reviews or self._is_of_this_page(node):
                self._add(node, reviews)
        for node in self._nodes:
            if _types(node) & {"Review", "UserReview"} and id(node) not in nested:
                self._add_apart(node)
        return PageContent(list(self._films.values()), reviews_without_text=self._textless)

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict) and set(value) <= {"@id", "@type"}:
            return self._by_id.get(str(value.get("@id")), value)
        return value

    def _is_of_this_page(self, node: Node) -> bool:
        own = _text(node.get("url"))
        if own is None:
            return True
        here, there = urlsplit(self._url), urlsplit(urljoin(self._url, own))
        return here.path.rstrip("/") == there.path.rstrip("/")

    def _add_apart(self, review: Node) -> None:
        for part in _list(review.get("itemReviewed")):
            movie = self._resolved(part)
            if not isinstance(movie, dict) or "Movie" not in _types(movie):
                continue
            named = _imdb_id(movie) or _text(movie.get("url"))
            if named is None and len(self._films) == 1:
                [film] = self._films.values()
                self._add_review(film, review)
            else:
                self._add(movie, [review])

    def _add(self, node: Node, reviews: list[Node]) -> None:
        item = self._movie(node)
        film = self._films.setdefault(item.movie_id, Film(item))
        film.movie = _merged(film.movie, item)
        for review in reviews:
            self._add_review(film, review)

    def _add_review(self, film: Film, node: Node) -> None:
        text = _text(node.get("reviewBody")) or _text(node.get("description"))
        if text is None or not clean_text(text):
            self._textless += 1
            return
        own = _text(node.get("identifier"))
        movie = film.movie.movie_id
        link = _text(node.get("url"))
        film.reviews.append(
            ReviewItem(
                movie_id=movie,
                text=text,
                # Many sites number reviews per film; the film's id makes the number unique.
                own_id=own if own is None or movie in own else f"{movie}:{own}",
                rating=_rating(node.get("reviewRating")),
                title=_text(node.get("name")) or _text(node.get("headline")),
                author=next(iter(_names(node.get("author"))), None),
                published=_text(node.get("datePublished")),
                url=urljoin(self._url, link) if link else None,
                language=_text(node.get("inLanguage")),
            )
        )

    def _movie(self, node: Node) -> MovieItem:
        own_url = _text(node.get("url"))
        url = canonical_url(urljoin(self._url, own_url) if own_url else self._url)
        published = _text(node.get("datePublished")) or _text(node.get("dateCreated"))
        year = _YEAR.search(published or "")
        return MovieItem(
            movie_id=_imdb_id(node) or imdb_movie_id(url) or movie_id(self._source, url),
            title=_text(node.get("name")),
            year=int(year.group()) if year else None,
            genres=tuple(
                part.strip() for name in _names(node.get("genre")) for part in name.split(",")
            ),
            directors=tuple(_names(node.get("director"))),
            description=_text(node.get("description")),
            rating=_rating(node.get("aggregateRating")),
            url=url,
        )


def _merged(first: MovieItem, second: MovieItem) -> MovieItem:
    """What either node of one film says, the first before the second."""
    missing: dict[str, Any] = {
        name: getattr(second, name)
        for name in MovieItem.__slots__
        if getattr(first, name) in (None, ())
    }
    return replace(first, **missing)


def _types(node: Mapping[str, Any]) -> set[str]:
    return {
        re.split(r"[/#:]", name)[-1] for name in _list(node.get("@type")) if isinstance(name, str)
    }


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str | None:
    """The text of a value that may be wrapped, repeated in several languages, or a thing."""
    for part in _list(value):
        if isinstance(part, str) and part.strip():
            return part.strip()
        if isinstance(part, (int, float)) and not isinstance(part, bool):
            return str(part)
        if isinstance(part, dict):
            for key in ("@value", "name", "value", "@id"):
                inner = part.get(key)
                if isinstance(inner, str) and inner.strip():
                    return inner.strip()
    return None


def _names(value: Any) -> list[str]:
    return [name for part in _list(value) if (name := _text(part)) is not None]


def _imdb_id(node: Node) -> str | None:
    return imdb_movie_id(
        *(name for key in ("sameAs", "identifier", "@id", "url") for name in _names(node.get(key)))
    )


def _rating(value: Any) -> float | None:
    """A rating on a scale of 0 to 10. schema.org's scale ends at 5 where none is given."""
    for part in _list(value):
        if not isinstance(part, dict):
            continue
        given = _number(part.get("ratingValue"))
        if given is None:
            continue
        best = _number(part.get("bestRating"))
        if best is None:
            # "8/10" and "8" without a scale: out of ten, as no scale of five has an eight.
            scale = re.search(r"/\s*(\d+)", str(part.get("ratingValue")))
            best = float(scale.group(1)) if scale else 5.0 if given <= 5 else 10.0
        if best > 0 and 0 <= given <= best:
            return round(given * 10 / best, 2)
    return None


def _number(value: Any) -> float | None:
    match = _NUMBER.search(str(value)) if isinstance(value, (int, float, str)) else None
    return float(match.group().replace(",", ".")) if match else None
