"""What is read from IMDb's pages."""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest.pages.items import MovieItem, ReviewItem


@dataclass(frozen=True, slots=True)
class ListedTitle:
    """A film in a list of search results. ``rating`` is on a scale of 0 to 10."""

    movie_id: str
    title: str | None
    rating: float | None
    votes: int | None
    url: str


@dataclass(frozen=True, slots=True)
class TitleList:
    """A page of search results, best first, and where the next page is."""

    titles: list[ListedTitle]
    next_url: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page of a film's reviews, and where the next page is.

    ``movie`` holds what the page says of the film: its title and year, seldom more.
    """

    movie: MovieItem | None
    reviews: list[ReviewItem]
    next_url: str | None = None
    reviews_without_text: int = 0
