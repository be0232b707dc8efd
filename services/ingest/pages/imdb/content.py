"""The content of IMDb's pages."""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest.pages.items import ReviewItem


@dataclass(frozen=True, slots=True)
class ListedTitle:
    """A movie in a list of search results; ``rating`` is on a scale of 0 to 10."""

    movie_id: str
    title: str | None
    rating: float | None
    votes: int | None
    url: str


@dataclass(frozen=True, slots=True)
class TitleList:
    """A page of search results, best rated first, and the URL of the next page."""

    titles: list[ListedTitle]
    next_url: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page of a movie's reviews, and the URL of the next page."""

    reviews: list[ReviewItem]
    next_url: str | None = None
    reviews_without_text: int = 0
