"""Films and reviews out of a page's schema.org markup. Pure: bytes in, items out.

Sites mark up in many ways: as JSON-LD (``json_ld``), as microdata (``microdata``), or the same
things as both; a ``Movie`` alone, in an array or in a ``@graph``; with its reviews nested, or with
``Review`` nodes apart that name it by ``itemReviewed``; with several types; with references by
``@id``, and one thing's properties spread over several nodes of that id. What cannot be read is
counted and skipped, and the rest of the page is still read.

A ``Movie`` that only points to another page (a list's entry) is not taken: the film is read where
its page is, with all its fields. A review that is in both the JSON-LD and the microdata is one
review (``twins``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import lxml.html

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.html_tree import parse_page
from services.ingest.pages.identifiers import canonical_url, imdb_movie_id, movie_id
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.schema_org.dedupe import Twins, merged_movie, merged_review
from services.ingest.pages.schema_org.json_ld import Node, nodes_of, read_json_ld
from services.ingest.pages.schema_org.microdata import MicrodataTooDense, read_microdata
from services.ingest.pages.schema_org.schema_values import (
    language_of,
    rating_of,
    says_spoiler,
    spoken_text_of,
    text_of,
    texts_of,
    truth_of,
    types_of,
    values_of,
)

__all__ = ["Film", "PageContent", "extract", "extract_from"]

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_REVIEW_TYPES = {"Review", "UserReview", "CriticReview"}
_REVIEW_TEXT = ("reviewBody", "text", "description")
_SPOILER_KEYS = ("spoiler", "isSpoiler", "hasSpoilers", "containsSpoilers", "containsSpoiler")


@dataclass(slots=True)
class Film:
    """A film on a page and the reviews of it that the page shows."""

    movie: MovieItem
    reviews: list[ReviewItem] = field(default_factory=list)


@dataclass(slots=True)
class PageContent:
    """What a page's markup says; ``bad_blocks`` scripts were not JSON, or it was too dense."""

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
    tree = parse_page(body, encoding)
    return PageContent([]) if tree is None else extract_from(tree, url, source)


def extract_from(tree: lxml.html.HtmlElement, url: str, source: str) -> PageContent:
    """As ``extract``, of a page that is parsed already."""
    page = _Page(url, source, tree.get("lang"))
    blocks, bad = read_json_ld(tree)
    page.read(blocks)
    try:
        page.read(read_microdata(tree, url))
    except MicrodataTooDense:
        bad += 1
    return PageContent(page.films, bad, page.without_text)


class _Page:
    """The films found so far, by one syntax after the other.

    Args:
        url: The page.
        source: The source's name.
        language: The page's language, whose texts are taken where there are several.
    """

    def __init__(self, url: str, source: str, language: str | None) -> None:
        self._url = url
        self._source = source
        self._language = language
        self._films: dict[str, Film] = {}
        self._twins: dict[str, Twins] = {}
        self._by_id: dict[str, Node] = {}
        self.without_text = 0

    @property
    def films(self) -> list[Film]:
        """The films, in the page's order."""
        return list(self._films.values())

    def read(self, blocks: list[Any]) -> None:
        """Take the films and reviews of one syntax's nodes."""
        self._twins = {key: Twins(film.reviews) for key, film in self._films.items()}
        nodes = self._joined(list(nodes_of(blocks)))
        nested: set[int] = set()  # reviews inside a movie, and the movie named inside a review
        for node in nodes:
            if types_of(node) & _REVIEW_TYPES:
                nested.update(id(part) for part in values_of(node.get("itemReviewed")))
        for node in nodes:
            if "Movie" not in types_of(node) or id(node) in nested:
                continue
            reviews = self._reviews_of(node)
            nested.update(id(review) for review in reviews)
            if reviews or self._is_of_this_page(node):
                self._add(node, reviews)
        outermost = {id(block) for block in blocks}
        for node in nodes:
            if types_of(node) & _REVIEW_TYPES and id(node) not in nested:
                self._add_apart(node, is_outermost=id(node) in outermost)

    def _joined(self, nodes: list[Node]) -> list[Node]:
        """The nodes, those of one ``@id`` made one; a mere reference is none."""
        self._by_id = {}
        joined = []
        for node in nodes:
            name = self._name(node.get("@id"))
            if name is not None and set(node) <= {"@id", "@type"}:
                continue
            first = self._by_id.setdefault(name, node) if name is not None else node
            if first is node:
                joined.append(node)
            else:
                for key, value in node.items():
                    first.setdefault(key, value)
        return joined

    def _name(self, own: Any) -> str | None:
        return self._absolute(own) if isinstance(own, str) and own else None

    def _resolved(self, value: Any) -> Any:
        name = self._name(value.get("@id") if isinstance(value, dict) else value)
        return value if name is None else self._by_id.get(name, value)

    def _reviews_of(self, movie: Node) -> list[Node]:
        reverse = movie.get("@reverse")
        given = [movie.get("review"), movie.get("reviews")]
        if isinstance(reverse, dict):
            given.append(reverse.get("itemReviewed"))
        return [
            review
            for parts in given
            for part in values_of(parts)
            if isinstance(review := self._resolved(part), dict)
        ]

    def _is_of_this_page(self, node: Node) -> bool:
        own = self._absolute(text_of(node.get("url")))
        if own is None:
            return True
        return urlsplit(self._url).path.rstrip("/") == urlsplit(own).path.rstrip("/")

    def _add_apart(self, review: Node, *, is_outermost: bool) -> None:
        about = values_of(review.get("itemReviewed"))
        only = self.films[0] if len(self._films) == 1 else None
        if not about and is_outermost and only is not None:
            self._add_review(only, review)  # of what the page is about
        for part in about:
            movie = self._resolved(part)
            if not isinstance(movie, dict) or "Movie" not in types_of(movie):
                continue
            named = _imdb_id(movie) or text_of(movie.get("url"))
            if named is None and only is not None:
                self._add_review(only, review)
            else:
                self._add(movie, [review])

    def _add(self, node: Node, reviews: list[Node]) -> None:
        item = self._movie(node)
        film = self._known(item)
        if film is None:
            film = self._films[item.movie_id] = Film(item)
        film.movie = merged_movie(film.movie, item)
        for review in reviews:
            self._add_review(film, review)

    def _known(self, item: MovieItem) -> Film | None:
        """The film if the page has named it before: by its id, or in the other syntax by name."""
        if item.movie_id in self._films or not self._twins:
            return self._films.get(item.movie_id)
        for film in self._films.values():
            years = {film.movie.year, item.year} - {None}
            if film.movie.movie_id in self._twins and len(years) < 2 and _same_name(film, item):
                return film
        return None

    def _add_review(self, film: Film, node: Node) -> None:
        text, spoken, plain = None, None, ""
        for key in _REVIEW_TEXT:
            text, spoken = spoken_text_of(node.get(key), self._language)
            plain = clean_text(text or "")
            if plain:
                break
        if text is None or not plain:
            self.without_text += 1
            return
        movie = film.movie.movie_id
        own = next(iter(_identifiers(node)), None)
        title = text_of(node.get("name"), self._language) or text_of(node.get("headline"))
        review = ReviewItem(
            movie_id=movie,
            text=text,
            # Many sites number reviews per film; the film's id makes the number unique.
            own_id=own if own is None or movie in own else f"{movie}:{own}",
            rating=rating_of(node.get("reviewRating")),
            title=title,
            author=text_of(node.get("author")) or text_of(node.get("creator")),
            published=text_of(node.get("datePublished")) or text_of(node.get("dateCreated")),
            url=self._absolute(text_of(node.get("url"))),
            language=language_of(node.get("inLanguage")) or spoken,
            spoiler=_spoiler(node, plain, title),
        )
        twins = self._twins.get(movie)
        at = twins.find(review) if twins is not None else None
        if at is None:
            film.reviews.append(review)
        else:
            film.reviews[at] = merged_review(film.reviews[at], review)

    def _movie(self, node: Node) -> MovieItem:
        url = canonical_url(self._absolute(text_of(node.get("url"))) or self._url)
        years = (
            _YEAR.search(text_of(node.get(key)) or "")
            for key in ("datePublished", "dateCreated", "copyrightYear")
        )
        year = next((match.group() for match in years if match), None)
        return MovieItem(
            movie_id=_imdb_id(node) or imdb_movie_id(url) or movie_id(self._source, url),
            title=text_of(node.get("name"), self._language),
            year=int(year) if year else None,
            genres=tuple(
                part.strip() for name in texts_of(node.get("genre")) for part in name.split(",")
            ),
            directors=tuple(texts_of(node.get("director"))),
            description=text_of(node.get("description"), self._language),
            rating=rating_of(node.get("aggregateRating")),
            url=url,
        )

    def _absolute(self, link: str | None) -> str | None:
        try:
            return urljoin(self._url, link.replace("&amp;", "&")) if link else None
        except ValueError:
            return None


def _same_name(film: Film, item: MovieItem) -> bool:
    mine, its = (clean_text(title or "").casefold() for title in (film.movie.title, item.title))
    return not mine or not its or mine == its


def _identifiers(node: Node) -> list[str]:
    """The source's own names for a thing, bare or as ``PropertyValue``."""
    found = []
    for part in values_of(node.get("identifier")):
        inner = part.get("value") if isinstance(part, dict) else None
        name = text_of(part) if inner is None else text_of(inner)
        if name is not None:
            found.append(name)
    return found


def _imdb_id(node: Node) -> str | None:
    links = [name for key in ("sameAs", "@id", "url") for name in texts_of(node.get(key))]
    return imdb_movie_id(*links[:50], *_identifiers(node)[:50])


def _spoiler(node: Node, text: str, title: str | None) -> bool | None:
    """Whether a review is marked as a spoiler; None when nothing says so or otherwise."""
    for key in _SPOILER_KEYS:
        said = truth_of(node.get(key))
        if said is not None:
            return said
    words = [part for name in texts_of(node.get("keywords")) for part in re.split(r"[,;]", name)]
    tagged = any(word.strip().lower() in {"spoiler", "spoilers"} for word in words)
    return True if tagged or says_spoiler(text[:200]) or says_spoiler(title or "") else None
