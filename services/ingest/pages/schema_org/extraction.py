"""Extracts movies and reviews from a page's schema.org markup. Pure: bytes in, items out.

Sites use many forms of markup: JSON-LD (``json_ld``), microdata (``microdata``), or the same data
as both; a ``Movie`` alone, in an array or in a ``@graph``; with nested reviews, or with separate
``Review`` nodes that refer to it by ``itemReviewed``; with several types; with references by
``@id``, and the properties of one thing in several nodes with that id. Blocks that cannot be read
are counted and skipped, and the other blocks of the page are still read.

A ``Movie`` that only links to another page (an entry of a list) is skipped: the movie is read from
its own page, with all its fields. A review that is in both the JSON-LD and the microdata counts
once (``dedupe``).
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
from services.ingest.pages.schema_org.dedupe import Duplicates, merged_movie, merged_review
from services.ingest.pages.schema_org.json_ld import Node, nodes_of, read_json_ld
from services.ingest.pages.schema_org.microdata import MicrodataTooDense, read_microdata
from services.ingest.pages.schema_org.schema_values import (
    language_of,
    link_of,
    minutes_of,
    rating_of,
    says_spoiler,
    spoken_text_of,
    text_of,
    texts_of,
    truth_of,
    types_of,
    values_of,
    votes_of,
)

__all__ = ["PageContent", "ReviewedMovie", "extract", "extract_from"]

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_REVIEW_TYPES = {"Review", "UserReview", "CriticReview"}
_REVIEW_TEXT = ("reviewBody", "text", "description")
_SPOILER_KEYS = ("spoiler", "isSpoiler", "hasSpoilers", "containsSpoilers", "containsSpoiler")


@dataclass(slots=True)
class ReviewedMovie:
    """A movie and the reviews of it that are on the same page."""

    movie: MovieItem
    reviews: list[ReviewItem] = field(default_factory=list)


@dataclass(slots=True)
class PageContent:
    """The content of a page's markup.

    Attributes:
        movies: The movies with their reviews, in page order.
        bad_blocks: Number of scripts that are not JSON, plus one for microdata that is too dense.
        reviews_without_text: Number of reviews without text, which are not among the reviews.
    """

    movies: list[ReviewedMovie]
    bad_blocks: int = 0
    reviews_without_text: int = 0


def extract(body: bytes, url: str, source: str, *, encoding: str = "utf-8") -> PageContent:
    """Extract the content of a page.

    Args:
        body: The page as received.
        url: The URL of the page; relative links are resolved against it.
        source: The name of the source, for the ids of movies without an IMDb id.
        encoding: The encoding that HTTP or the page declares.
    """
    tree = parse_page(body, encoding)
    return PageContent([]) if tree is None else extract_from(tree, url, source)


def extract_from(tree: lxml.html.HtmlElement, url: str, source: str) -> PageContent:
    """Like ``extract``, for a parsed page."""
    page = _Page(url, source, tree.get("lang"))
    blocks, bad = read_json_ld(tree)
    page.read(blocks)
    try:
        page.read(read_microdata(tree, url))
    except MicrodataTooDense:
        bad += 1
    return PageContent(page.movies, bad, page.without_text)


class _Page:
    """Collects the movies of a page, from one syntax after the other.

    Args:
        url: The URL of the page.
        source: The name of the source.
        language: The language of the page, which is preferred where texts are in several.
    """

    def __init__(self, url: str, source: str, language: str | None) -> None:
        self._url = url
        self._source = source
        self._language = language
        self._movies: dict[str, ReviewedMovie] = {}
        self._duplicates: dict[str, Duplicates] = {}
        self._by_id: dict[str, Node] = {}
        self.without_text = 0

    @property
    def movies(self) -> list[ReviewedMovie]:
        """The movies, in page order."""
        return list(self._movies.values())

    def read(self, blocks: list[Any]) -> None:
        """Add the movies and reviews of one syntax."""
        self._duplicates = {
            movie_id: Duplicates(reviewed.reviews) for movie_id, reviewed in self._movies.items()
        }
        nodes = self._joined(list(nodes_of(blocks)))
        nested: set[int] = set()  # reviews inside a movie, and movies inside a review
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
                self._add_separate(node, is_outermost=id(node) in outermost)

    def _joined(self, nodes: list[Node]) -> list[Node]:
        """The nodes, with those of the same ``@id`` merged, and without mere references."""
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

    def _name(self, node_id: Any) -> str | None:
        return self._absolute(node_id) if isinstance(node_id, str) and node_id else None

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
        url = self._absolute(text_of(node.get("url")))
        if url is None:
            return True
        return urlsplit(self._url).path.rstrip("/") == urlsplit(url).path.rstrip("/")

    def _add_separate(self, review: Node, *, is_outermost: bool) -> None:
        """Add a review that is not nested in a movie."""
        about = values_of(review.get("itemReviewed"))
        only = self.movies[0] if len(self._movies) == 1 else None
        if not about and is_outermost and only is not None:
            self._add_review(only, review)  # it reviews the only movie of the page
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
        item = self._to_movie_item(node)
        reviewed = self._known(item)
        if reviewed is None:
            reviewed = self._movies[item.movie_id] = ReviewedMovie(item)
        reviewed.movie = merged_movie(reviewed.movie, item)
        for review in reviews:
            self._add_review(reviewed, review)

    def _known(self, item: MovieItem) -> ReviewedMovie | None:
        """The same movie from earlier on the page: by id, or by title in the other syntax."""
        if item.movie_id in self._movies or not self._duplicates:
            return self._movies.get(item.movie_id)
        for reviewed in self._movies.values():
            is_in_other_syntax = reviewed.movie.movie_id in self._duplicates
            years = {reviewed.movie.year, item.year} - {None}
            if is_in_other_syntax and len(years) < 2 and _have_same_title(reviewed.movie, item):
                return reviewed
        return None

    def _add_review(self, reviewed: ReviewedMovie, node: Node) -> None:
        text, text_language, plain = None, None, ""
        for key in _REVIEW_TEXT:
            text, text_language = spoken_text_of(node.get(key), self._language)
            plain = clean_text(text or "")
            if plain:
                break
        if text is None or not plain:
            self.without_text += 1
            return
        movie = reviewed.movie.movie_id
        external_id = next(iter(_identifiers(node)), None)
        if external_id is not None and movie not in external_id:
            # Many sites number the reviews of each movie; the movie's id makes the number unique.
            external_id = f"{movie}:{external_id}"
        title = text_of(node.get("name"), self._language) or text_of(node.get("headline"))
        review = ReviewItem(
            movie_id=movie,
            text=text,
            external_id=external_id,
            rating=rating_of(node.get("reviewRating")),
            title=title,
            author=text_of(node.get("author")) or text_of(node.get("creator")),
            published=text_of(node.get("datePublished")) or text_of(node.get("dateCreated")),
            url=self._absolute(text_of(node.get("url"))),
            language=language_of(node.get("inLanguage")) or text_language,
            spoiler=_spoiler(node, plain, title),
        )
        duplicates = self._duplicates.get(movie)
        at = duplicates.find(review) if duplicates is not None else None
        if at is None:
            reviewed.reviews.append(review)
        else:
            reviewed.reviews[at] = merged_review(reviewed.reviews[at], review)

    def _to_movie_item(self, node: Node) -> MovieItem:
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
            genres=_listed(node.get("genre")),
            directors=tuple(texts_of(node.get("director"))),
            description=text_of(node.get("description"), self._language),
            rating=rating_of(node.get("aggregateRating")),
            url=url,
            original_title=text_of(node.get("originalTitle")),
            people=tuple(texts_of(node.get("actor")) or texts_of(node.get("actors"))),
            countries=tuple(texts_of(node.get("countryOfOrigin"))),
            languages=tuple(texts_of(node.get("inLanguage"))),
            keywords=_listed(node.get("keywords")),
            runtime_minutes=minutes_of(node.get("duration")),
            votes=votes_of(node.get("aggregateRating")),
            poster_url=self._absolute(link_of(node.get("image"))),
        )

    def _absolute(self, link: str | None) -> str | None:
        try:
            return urljoin(self._url, link.replace("&amp;", "&")) if link else None
        except ValueError:
            return None


def _listed(value: Any) -> tuple[str, ...]:
    """The texts of a value; a text with commas counts as several."""
    return tuple(part.strip() for text in texts_of(value) for part in text.split(","))


def _have_same_title(first: MovieItem, second: MovieItem) -> bool:
    """Whether two movies have the same title, or one has none."""
    titles = {clean_text(movie.title or "").casefold() for movie in (first, second)}
    return len(titles - {""}) < 2


def _identifiers(node: Node) -> list[str]:
    """The values of ``identifier``, which may be texts or ``PropertyValue`` nodes."""
    identifiers = []
    for part in values_of(node.get("identifier")):
        inner = part.get("value") if isinstance(part, dict) else None
        identifier = text_of(part) if inner is None else text_of(inner)
        if identifier is not None:
            identifiers.append(identifier)
    return identifiers


def _imdb_id(node: Node) -> str | None:
    links = [name for key in ("sameAs", "@id", "url") for name in texts_of(node.get(key))]
    return imdb_movie_id(*links[:50], *_identifiers(node)[:50])


def _spoiler(node: Node, text: str, title: str | None) -> bool | None:
    """Whether a review is marked as a spoiler, or as none; None when it is not marked."""
    for key in _SPOILER_KEYS:
        is_spoiler = truth_of(node.get(key))
        if is_spoiler is not None:
            return is_spoiler
    words = [part for name in texts_of(node.get("keywords")) for part in re.split(r"[,;]", name)]
    is_tagged = any(word.strip().lower() in {"spoiler", "spoilers"} for word in words)
    return True if is_tagged or says_spoiler(text[:200]) or says_spoiler(title or "") else None
