"""The spider for IMDb's best rated movies: the list of titles, each title, and its reviews.

The list is one page sequence, because all of its pages decide which movies are the best. The pages
of a movie's reviews are one page sequence if reviews are picked (``reviews_per_movie``). A movie
whose title page cannot be fetched is described by its entry in the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from scrapy.http import Response

from services.ingest.pages.imdb.pages import (
    ListedTitle,
    parse_reviews,
    parse_title,
    parse_title_list,
    reviews_url,
    title_list_url,
    title_url,
)
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.sources.sources import ImdbSource
from services.ingest.spiders.page_sequences import PageSequence
from services.ingest.spiders.page_spider import PageSpider
from services.ingest.visits.page_results import Content, Findings, Link

LIST, TITLE, REVIEWS = "titles", "title", "reviews"  # kinds of pages


class ImdbSpider(PageSpider):
    """Yields the ``top`` movies with at least ``min_votes`` votes, and their reviews."""

    name = "imdb"
    source: ImdbSource

    def start_links(self) -> Iterable[Link]:
        """The list of titles."""
        return [Link(title_list_url(self.source.base_url, self.source.min_votes), LIST)]

    def new_sequence(self, link: Link) -> PageSequence:
        """An empty page sequence for the kind of page that the link points to."""
        if link.kind == LIST:
            return TitleListPages(self.source)
        if link.kind == TITLE:
            return TitlePage(self.source, link)
        return ReviewPages(self.source, link)


class TitleListPages(PageSequence):
    """The pages of the list, as many as are needed."""

    def __init__(self, source: ImdbSource) -> None:
        self._source = source
        self._seen: set[str] = set()
        self._taken: dict[str, ListedTitle] = {}

    def add(self, response: Response) -> str | None:
        """Read a page of the list; there is a next page until there are enough movies.

        Raises:
            PageUnreadable: it is not a list of titles.
        """
        page = parse_title_list(response.body, response.url)
        new = [title for title in page.titles if title.movie_id not in self._seen]
        self._seen.update(title.movie_id for title in new)
        for title in new:
            if (title.votes or 0) >= self._source.min_votes:
                self._taken.setdefault(title.movie_id, title)
        is_enough = len(self._taken) >= self._source.top
        return page.next_url if new and not is_enough else None  # without new titles it never ends

    def content(self) -> Content:
        """Links to the title pages."""
        taken = list(self._taken.values())[: self._source.top]
        return Content(
            links=tuple(
                Link(title_url(self._source.base_url, title.movie_id), TITLE, _described(title))
                for title in taken
            )
        )


class TitlePage(PageSequence):
    """The title page of a movie."""

    def __init__(self, source: ImdbSource, link: Link) -> None:
        self._source = source
        self._listed = _listed(link)
        self._is_movie = True

    def add(self, response: Response) -> str | None:
        """Read the page.

        Raises:
            PageUnreadable: it is not a title page.
        """
        movie = parse_title(response.body, response.url, self._listed.movie_id)
        self._is_movie = movie is not None
        self._listed = movie or self._listed
        return None

    def content(self) -> Content:
        """The movie, and a link to its reviews; nothing when it is a series or the like."""
        if not self._is_movie:
            return Content()
        movie_id = self._listed.movie_id
        return Content(
            items=(self._listed,),
            links=(Link(reviews_url(self._source.base_url, movie_id), REVIEWS, movie_id),),
            findings=Findings(movies=1, untitled=int(self._listed.title is None)),
        )


class ReviewPages(PageSequence):
    """One page of a movie's reviews, or all of them if reviews are picked."""

    def __init__(self, source: ImdbSource, link: Link) -> None:
        self._source = source
        self._movie_id = link.about
        self._reviews: list[ReviewItem] = []
        self._textless = 0
        self._next: Link | None = None

    def add(self, response: Response) -> str | None:
        """Read a page of reviews.

        Raises:
            PageUnreadable: it is not a page of reviews.
        """
        page = parse_reviews(response.body, response.url, self._movie_id)
        self._reviews.extend(page.reviews)
        self._textless += page.reviews_without_text
        if self._source.reviews_per_movie:
            return page.next_url
        if page.next_url is not None:
            self._next = Link(page.next_url, REVIEWS, self._movie_id)
        return None

    def content(self) -> Content:
        """The picked reviews, and a link to the next page if it is not part of the sequence."""
        ratings = [review.rating for review in self._reviews]
        picked = pick(ratings, self._source.reviews_per_movie)
        return Content(
            items=tuple(self._reviews[at] for at in picked),
            links=(self._next,) if self._next is not None else (),
            findings=Findings(reviews=len(self._reviews), textless=self._textless),
        )


def _described(title: ListedTitle) -> str:
    return json.dumps([title.movie_id, title.title, title.rating, title.url])


def _listed(link: Link) -> MovieItem:
    movie_id, title, rating, url = json.loads(link.about)
    return MovieItem(movie_id=movie_id, title=title, rating=rating, url=url)
