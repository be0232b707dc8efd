"""The spider for TMDB: finds listed movies, and reads their facts and reviews.

A movie that is listed by its IMDb id is found first; its facts are one answer, each page of its
reviews another. The pages of a movie's reviews are one page sequence if reviews are picked. The key
is sent in a header, so that it is in no URL, and therefore in no log and in no record of visits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from scrapy import Request
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from w3lib.url import add_or_replace_parameter

from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.pages.tmdb.answers import (
    find_url,
    movie_url,
    parse_found,
    parse_movie,
    parse_reviews,
    reviews_url,
)
from services.ingest.pages.unread import Unread
from services.ingest.sources.tmdb_source import TmdbSource
from services.ingest.spiders.page_sequences import PageSequence
from services.ingest.spiders.page_spider import PageSpider
from services.ingest.spiders.tmdb_files import MovieRef, TmdbFileInvalid, read_ids, read_token
from services.ingest.stats import STAT_FAULT
from services.ingest.visits.page_results import Content, Findings, Link

FIND, MOVIE, REVIEWS = "find", "movie", "reviews"  # kinds of answers


class TmdbSpider(PageSpider):
    """Yields the listed movies that TMDB has, and their reviews."""

    name = "tmdb"
    source: TmdbSource

    async def start(self) -> AsyncIterator[Request]:
        """Yield the first requests.

        Raises:
            CloseSpider: a file of the source cannot be used; the reason is in the stats.
        """
        try:
            self._token = read_token(self.source.key_file)
            async for request in super().start():
                yield request
        except TmdbFileInvalid as error:
            self.crawler.stats.set_value(STAT_FAULT, str(error))
            raise CloseSpider("file_invalid") from error

    def request_headers(self) -> Mapping[str, str]:
        """The key, for every request but that for robots.txt."""
        return {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}

    def start_links(self) -> Iterable[Link]:
        """The listed movies, each once.

        Raises:
            TmdbFileInvalid: the file of ids cannot be read, or no id is TMDB's or IMDb's.
        """
        refs = dict.fromkeys(self._refs())
        if not refs:
            raise TmdbFileInvalid(f"ids_from {self.source.ids_from} has no ids of IMDb or TMDB")
        return [self._link_to(ref) for ref in refs]

    def new_sequence(self, link: Link) -> PageSequence:
        """An empty page sequence for the kind of answer that the link points to."""
        if link.kind == FIND:
            return FoundAnswer(self.source, link)
        if link.kind == MOVIE:
            return FactsAnswer(self.source, link)
        return ReviewAnswers(self.source, link)

    def _refs(self) -> Iterator[MovieRef]:
        yield from (MovieRef(imdb_id=imdb_id) for imdb_id in self.source.imdb_ids)
        yield from (MovieRef(tmdb_id=tmdb_id) for tmdb_id in self.source.tmdb_ids)
        if self.source.ids_from is not None:
            yield from read_ids(self.source.ids_from)

    def _link_to(self, ref: MovieRef) -> Link:
        if ref.imdb_id is not None:
            return Link(find_url(self.source.api_url, ref.imdb_id), FIND, ref.imdb_id)
        url = movie_url(self.source.api_url, ref.tmdb_id or 0, self.source.language)
        return Link(url, MOVIE)


class FoundAnswer(PageSequence):
    """Which movie has an IMDb id."""

    def __init__(self, source: TmdbSource, link: Link) -> None:
        self._source = source
        self._imdb_id = link.about
        self._found: int | None = None

    def add(self, response: Response) -> str | None:
        """Read the answer.

        Raises:
            PageUnreadable: it has another structure.
        """
        self._found = parse_found(response.body)
        return None

    def content(self) -> Content:
        """A link to the movie, if TMDB has it."""
        if self._found is None:
            return Content()
        url = movie_url(self._source.api_url, self._found, self._source.language)
        return Content(links=(Link(url, MOVIE, self._imdb_id),))


class FactsAnswer(PageSequence):
    """The facts of a movie."""

    def __init__(self, source: TmdbSource, link: Link) -> None:
        self._source = source
        self._imdb_id = link.about or None
        self._content = Content()

    def add(self, response: Response) -> str | None:
        """Read the answer.

        Raises:
            PageUnreadable: it has another structure.
        """
        source = self._source
        answer = parse_movie(
            response.body, response.url, imdb_id=self._imdb_id, image_url=source.image_url
        )
        movie_id = answer.movie.movie_id
        url = reviews_url(source.api_url, answer.tmdb_id, source.language)
        self._content = Content(
            items=(answer.movie,),
            links=(Link(url, REVIEWS, movie_id),) if source.with_reviews else (),
            findings=Findings(movies=1, untitled=int(answer.movie.title is None)),
            unread=answer.unread,
        )
        return None

    def content(self) -> Content:
        """The movie, and a link to its reviews."""
        return self._content


class ReviewAnswers(PageSequence):
    """One page of a movie's reviews, or all of them if reviews are picked."""

    def __init__(self, source: TmdbSource, link: Link) -> None:
        self._source = source
        self._movie_id = link.about
        self._reviews: list[ReviewItem] = []
        self._unread: list[Unread] = []
        self._textless = 0
        self._next: Link | None = None

    def add(self, response: Response) -> str | None:
        """Read a page of reviews.

        Raises:
            PageUnreadable: it has another structure.
        """
        answer = parse_reviews(response.body, response.url, self._movie_id)
        self._reviews.extend(answer.reviews)
        self._unread.extend(answer.unread)
        self._textless += answer.textless
        if answer.next_page is None:
            return None
        next_url = add_or_replace_parameter(response.url, "page", str(answer.next_page))
        if self._source.reviews_per_movie:
            return next_url
        self._next = Link(next_url, REVIEWS, self._movie_id)
        return None

    def content(self) -> Content:
        """The picked reviews, and a link to the next page if it is not part of the sequence."""
        ratings = [review.rating for review in self._reviews]
        picked = pick(ratings, self._source.reviews_per_movie)
        items: tuple[MovieItem | ReviewItem, ...] = tuple(self._reviews[at] for at in picked)
        return Content(
            items=items,
            links=(self._next,) if self._next is not None else (),
            findings=Findings(reviews=len(self._reviews), textless=self._textless),
            unread=tuple(self._unread),
        )
