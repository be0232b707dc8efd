"""Extracts movies and reviews from a page's schema.org markup. Pure: bytes in, items out.

Sites use many forms of markup: JSON-LD (``json_ld``), microdata (``microdata``), or the same data
as both; a ``Movie`` alone, in an array or in a ``@graph``; with nested reviews, or with separate
``Review`` nodes that refer to it by ``itemReviewed``; with several types; with references by
``@id``, and the properties of one thing in several nodes with that id (``references``). A block or
a value that cannot be read is listed as unread, and the rest of the page is still read.

A ``Movie`` that only links to another page (an entry of a list) is skipped: the movie is read from
its own page, with all its fields. A review that is in both the JSON-LD and the microdata counts
once (``dedupe``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import lxml.html

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.html_tree import parse_page
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.page_head import PageHead, read_head
from services.ingest.pages.schema_org.dedupe import Duplicates, merged_movie, merged_review
from services.ingest.pages.schema_org.json_ld import MAX_NODES, Node, nodes_of, read_json_ld
from services.ingest.pages.schema_org.microdata import MicrodataTooDense, read_microdata
from services.ingest.pages.schema_org.node_items import NodeItems, imdb_id_of, is_movie
from services.ingest.pages.schema_org.references import References
from services.ingest.pages.schema_org.schema_values import types_of, values_of
from services.ingest.pages.unread import Unread

__all__ = ["PageContent", "ReviewedMovie", "extract", "extract_from"]

MAX_ALIKE = 20  # movies of one title with which one of the other syntax is compared
_REVIEW_TYPES = {"review", "userreview", "criticreview"}
_OTHER_WORKS = {
    "tvseries", "tvepisode", "tvseason", "videogame", "book", "product", "creativework"
}  # fmt: skip


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
        unread: What could not be read: blocks of markup, and values of movies and reviews.
        reviews_without_text: Number of reviews without text, which are not among the reviews.
        reviews_of_others: Number of reviews of works that are no movies.
        head: What the page says about itself.
    """

    movies: list[ReviewedMovie]
    unread: list[Unread] = field(default_factory=list)
    reviews_without_text: int = 0
    reviews_of_others: int = 0
    head: PageHead | None = None


def extract(
    body: bytes,
    url: str,
    source: str,
    *,
    encoding: str = "utf-8",
    robots_tags: tuple[str, ...] = (),
) -> PageContent:
    """Extract the content of a page; a page that may not be indexed has none.

    Args:
        body: The page as received.
        url: The URL of the page.
        source: The name of the source, for the ids of movies without an IMDb id.
        encoding: The encoding that HTTP or the page declares.
        robots_tags: The values of its ``X-Robots-Tag`` headers.
    """
    tree = parse_page(body, encoding)
    if tree is None:
        return PageContent([])
    return extract_from(tree, url, source, robots_tags=robots_tags)


def extract_from(
    tree: lxml.html.HtmlElement, url: str, source: str, *, robots_tags: tuple[str, ...] = ()
) -> PageContent:
    """Like ``extract``, for a parsed page."""
    head = read_head(tree, url, robots_tags)
    if not head.may_index:
        return PageContent([], head=head)
    page = _Page(url, source, head)
    blocks, unread = read_json_ld(tree)
    page.unread += [Unread("page", url, why, excerpt) for why, excerpt in unread]
    page.read(blocks)
    try:
        page.read(read_microdata(tree, head.base))
    except MicrodataTooDense as error:
        page.unread.append(Unread("page", url, f"microdata takes too long to read: {error}"))
    return PageContent(page.movies, page.unread, page.without_text, page.of_others, head)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a review is about: a movie or another work, and whether an id or address names it."""

    is_movie: bool
    is_other_work: bool
    is_named: bool


class _Page:
    """Collects the movies of a page, from one syntax after the other.

    Args:
        url: The URL of the page.
        source: The name of the source.
        head: What the page says about itself; texts in its language are preferred.
    """

    def __init__(self, url: str, source: str, head: PageHead) -> None:
        self._url = url
        self._head = head
        self._items = NodeItems(url, source, head)
        self._movies: dict[str, ReviewedMovie] = {}
        self._duplicates: dict[str, Duplicates] = {}
        self._by_title: dict[str, list[ReviewedMovie]] = {}
        self._subjects: dict[int, _Subject] = {}
        self._read_movies: dict[int, MovieItem] = {}
        self._references = References([], self._items.absolute)
        self.unread = self._items.unread
        self.without_text = 0
        self.of_others = 0

    @property
    def movies(self) -> list[ReviewedMovie]:
        """The movies, in page order."""
        return list(self._movies.values())

    def read(self, blocks: list[Any]) -> None:
        """Add the movies and reviews of one syntax."""
        self._duplicates = {
            movie_id: Duplicates(reviewed.reviews, {self._url, self._head.address})
            for movie_id, reviewed in self._movies.items()
        }
        self._by_title = {}
        for reviewed in self._movies.values():
            self._by_title.setdefault(_title_key(reviewed.movie), []).append(reviewed)
        self._subjects, self._read_movies = {}, {}
        objects, is_whole = nodes_of(blocks)
        if not is_whole:
            self.unread.append(Unread("page", self._url, f"more than {MAX_NODES:,} values"))
        self._references = References(objects, self._items.absolute)
        nodes = self._references.nodes
        nested: set[int] = set()  # reviews inside a movie, and movies inside a review
        for node in nodes:
            if types_of(node) & _REVIEW_TYPES:
                nested.update(id(part) for part in values_of(node.get("itemReviewed")))
        for node in nodes:
            if not is_movie(node) or id(node) in nested:
                continue
            reviews = self._reviews_of(node)
            nested.update(id(review) for review in reviews)
            if reviews or self._is_of_this_page(node):
                self._add(node, reviews)
        outermost = {id(block) for block in blocks}
        for node in nodes:
            if types_of(node) & _REVIEW_TYPES and id(node) not in nested:
                self._add_separate(node, is_outermost=id(node) in outermost)

    def _reviews_of(self, movie: Node) -> list[Node]:
        reverse = movie.get("@reverse")
        given = [movie.get("review"), movie.get("reviews")]
        if isinstance(reverse, dict):
            given.append(reverse.get("itemReviewed"))
        return [
            review
            for parts in given
            for part in values_of(parts)
            if isinstance(review := self._references.resolved(part), dict)
        ]

    def _is_of_this_page(self, node: Node) -> bool:
        url = self._items.own_address(node) if node.get("url") else None
        if url is None:
            return True
        path = urlsplit(url).path.rstrip("/")
        return any(
            urlsplit(page).path.rstrip("/") == path for page in (self._url, self._head.address)
        )

    def _add_separate(self, review: Node, *, is_outermost: bool) -> None:
        """Add a review that is not nested in a movie."""
        about = values_of(review.get("itemReviewed"))
        only = self.movies[0] if len(self._movies) == 1 else None
        if not about and is_outermost and only is not None:
            self._add_review(only, review)  # it reviews the only movie of the page
        subjects = [self._references.resolved(part) for part in about]
        works = [(node, self._subject(node)) for node in subjects if isinstance(node, dict)]
        self.of_others += sum(subject.is_other_work for _, subject in works)
        movies = [(node, subject) for node, subject in works if subject.is_movie]
        for at, (movie, subject) in enumerate(movies):
            if not subject.is_named and only is not None:
                self._add_review(only, review)
            else:
                self._add(movie, [review], is_shared=at > 0)

    def _subject(self, node: Node) -> _Subject:
        """What a node is, looked at once however many reviews refer to it."""
        if id(node) not in self._subjects:
            is_about_movie = is_movie(node)
            self._subjects[id(node)] = _Subject(
                is_movie=is_about_movie,
                is_other_work=not is_about_movie and bool(types_of(node) & _OTHER_WORKS),
                is_named=bool(imdb_id_of(node) or self._items.own_address(node)),
            )
        return self._subjects[id(node)]

    def _add(self, node: Node, reviews: list[Node], *, is_shared: bool = False) -> None:
        item = self._read_movies.get(id(node))
        if item is None:
            item = self._items.to_movie(self._references.looked_up(node))
            self._read_movies[id(node)] = item
        reviewed = self._known(item)
        if reviewed is None:
            reviewed = self._movies[item.movie_id] = ReviewedMovie(item)
        reviewed.movie = merged_movie(reviewed.movie, item)
        for review in reviews:
            self._add_review(reviewed, review, is_shared=is_shared)

    def _known(self, item: MovieItem) -> ReviewedMovie | None:
        """The same movie from earlier on the page: by id, or by title in the other syntax."""
        if item.movie_id in self._movies or not self._duplicates:
            return self._movies.get(item.movie_id)
        title = _title_key(item)
        alike = [self._by_title.get(title, []), self._by_title.get("", [])]
        if not title:
            alike = list(self._by_title.values())[:MAX_ALIKE]
        for reviewed in (movie for movies in alike for movie in movies[:MAX_ALIKE]):
            years = {reviewed.movie.year, item.year} - {None}
            if len(years) < 2 and len({title, _title_key(reviewed.movie)} - {""}) < 2:
                return reviewed
        return None

    def _add_review(self, reviewed: ReviewedMovie, node: Node, *, is_shared: bool = False) -> None:
        review = self._items.to_review(
            self._references.looked_up(node), reviewed.movie.movie_id, is_shared=is_shared
        )
        if review is None:
            self.without_text += 1
            return
        duplicates = self._duplicates.get(review.movie_id)
        at = duplicates.find(review) if duplicates is not None else None
        if at is None:
            reviewed.reviews.append(review)
        else:
            reviewed.reviews[at] = merged_review(reviewed.reviews[at], review)


def _title_key(movie: MovieItem) -> str:
    """A movie's title, without case; empty for one without a title, which may be any movie."""
    return clean_text(movie.title or "").casefold()
