"""Pages in the structure of IMDb's, with invented movies and reviews.

``data`` pages contain ``__NEXT_DATA__``, ``components`` pages the newer markup (``ipc-`` elements),
``lister`` pages the older one, as ``services.ingest.pages.imdb.next_data`` and ``page_html`` read
them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Any


@dataclass
class SiteReview:
    """A review; ``text`` is HTML, as the site's data has it."""

    review_id: str
    text: str
    rating: int | None
    title: str
    author: str
    published: date
    spoiler: bool = False


@dataclass
class SiteMovie:
    """A movie and its reviews."""

    movie_id: str
    title: str
    year: int
    rating: float
    votes: int
    genres: tuple[str, ...] = ("Drama",)
    directors: tuple[str, ...] = ("Nobody Known",)
    plot: str = "A story."
    kind: str = "movie"
    reviews: list[SiteReview] = field(default_factory=list)


def data_page(page_props: Any, *, head: str = "") -> str:
    """A page with ``__NEXT_DATA__`` and nothing else to read."""
    data = json.dumps({"props": {"pageProps": page_props}}).replace("<", "\\u003c")
    return (
        f"<!DOCTYPE html><html lang='en-US'><head>{head}</head><body><div id='__next'></div>"
        f'<script id="__NEXT_DATA__" type="application/json">{data}</script></body></html>'
    )


def list_data_page(movies: Sequence[SiteMovie], *, total: int | None) -> str:
    """Search results, by data."""
    items = [
        {
            "titleId": movie.movie_id,
            "titleText": movie.title,
            "originalTitleText": movie.title,
            "titleType": {"id": movie.kind, "text": ""},
            "releaseYear": movie.year,
            "ratingSummary": {"aggregateRating": movie.rating, "voteCount": movie.votes},
            "genres": list(movie.genres),
            "plot": movie.plot,
        }
        for movie in movies
    ]
    results = {"titleListItems": items} | ({} if total is None else {"total": total})
    return data_page({"searchResults": {"titleResults": results}})


def list_components_page(movies: Sequence[SiteMovie], *, has_more: bool) -> str:
    """Search results, by the newer markup."""
    items = "".join(
        f"""<li class="ipc-metadata-list-summary-item"><div>
        <a href="/title/{movie.movie_id}/?ref_=sr_t_{rank}" class="ipc-title-link-wrapper">
        <h3 class="ipc-title__text">{rank}. {escape(movie.title)}</h3></a>
        <span class="ipc-rating-star ipc-rating-star--imdb">
        <span class="ipc-rating-star--rating">{movie.rating}</span>
        <span class="ipc-rating-star--voteCount">&nbsp;({movie.votes / 1000:g}K)</span></span>
        </div></li>"""
        for rank, movie in enumerate(movies, 1)
    )
    more = '<button class="ipc-see-more__button">50 more</button>' if has_more else ""
    return f'<html><body><ul class="ipc-metadata-list">{items}</ul>{more}</body></html>'


def list_lister_page(movies: Sequence[SiteMovie], *, next_href: str | None) -> str:
    """Search results, by the older markup."""
    items = "".join(
        f"""<div class="lister-item mode-advanced"><h3 class="lister-item-header">
        <span class="lister-item-index">{rank}.</span>
        <a href="/title/{movie.movie_id}/?ref_=adv_li_tt">{escape(movie.title)}</a>
        <span class="lister-item-year">({movie.year})</span></h3>
        <div class="ratings-imdb-rating" data-value="{movie.rating}"><strong>{movie.rating}</strong>
        </div><p class="sort-num_votes-visible"><span>Votes:</span>
        <span name="nv" data-value="{movie.votes}">{movie.votes:,}</span></p></div>"""
        for rank, movie in enumerate(movies, 1)
    )
    link = (
        f'<a href="{escape(next_href)}" class="lister-page-next next-page">Next &#187;</a>'
        if next_href
        else ""
    )
    return f'<html><body><div class="lister-list">{items}</div>{link}</body></html>'


def title_page(movie: SiteMovie) -> str:
    """A title's page: JSON-LD and data."""
    kind = {"movie": "Movie"}.get(movie.kind, "TVSeries")
    json_ld = {
        "@context": "https://schema.org",
        "@type": kind,
        "url": f"https://www.imdb.com/title/{movie.movie_id}/",
        "name": escape(movie.title),
        "description": escape(movie.plot),
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingCount": movie.votes,
            "bestRating": 10,
            "worstRating": 1,
            "ratingValue": movie.rating,
        },
        "genre": list(movie.genres),
        "datePublished": f"{movie.year}-06-01",
        "director": [{"@type": "Person", "name": name} for name in movie.directors],
    }
    data = {
        "aboveTheFoldData": {
            "id": movie.movie_id,
            "titleText": {"text": movie.title},
            "titleType": {"id": movie.kind},
            "releaseYear": {"year": movie.year},
            "ratingsSummary": {"aggregateRating": movie.rating, "voteCount": movie.votes},
            "genres": {"genres": [{"text": name} for name in movie.genres]},
            "plot": {"plotText": {"plainText": movie.plot}},
            "directorsPageTitle": [
                {"credits": [{"name": {"nameText": {"text": name}}} for name in movie.directors]}
            ],
        }
    }
    kind = "video.movie" if movie.kind == "movie" else "video.tv_show"
    head = (
        f'<meta property="og:title" content="{escape(movie.title)} ({movie.year}) '
        f'⭐ {movie.rating}">'
        f'<meta property="og:type" content="{kind}">'
        f'<script type="application/ld+json">{json.dumps(json_ld)}</script>'
    )
    return data_page(data, head=head)


def reviews_data_page(
    movie: SiteMovie,
    reviews: Sequence[SiteReview],
    *,
    next_href: str | None = None,
    cursor: int | None = None,
) -> str:
    """A page of reviews, by data; the next one by a link, or by a cursor."""
    nodes = [
        {
            "review": {
                "reviewId": review.review_id,
                "author": {"userId": f"ur{at}", "username": {"text": review.author}},
                "reviewSummary": escape(review.title),
                "reviewText": review.text,
                "authorRating": review.rating,
                "submissionDate": review.published.isoformat(),
                "spoiler": review.spoiler,
                "helpfulnessVotes": {"upVotes": at, "downVotes": 1},
            }
        }
        for at, review in enumerate(reviews)
    ]
    content: dict[str, Any] = {
        "entityMetadata": {
            "id": movie.movie_id,
            "titleText": {"text": movie.title},
            "titleType": {"id": movie.kind},
            "releaseYear": {"year": movie.year},
        },
        "reviews": nodes,
    }
    if cursor is not None:
        content["pageInfo"] = {"hasNextPage": True, "endCursor": str(cursor)}
    head = f'<link rel="next" href="{escape(next_href)}">' if next_href else ""
    return data_page({"contentData": content}, head=head)


def reviews_components_page(
    movie: SiteMovie, reviews: Sequence[SiteReview], *, next_href: str | None
) -> str:
    """A page of reviews, by the newer markup."""
    items = "".join(
        f"""<article class="sc-1 user-review-item"><div data-testid="review-card-parent">
        {_star(review)}
        <div data-testid="review-summary"><a href="/review/{review.review_id}/?ref_=tturv_perm">
        <h3 class="ipc-title__text">{escape(review.title)}</h3></a></div>
        {'<div data-testid="review-spoiler-content">Spoiler</div>' if review.spoiler else ""}
        <div data-testid="review-overflow"><div class="ipc-html-content">
        <div class="ipc-html-content-inner-div">{review.text}</div></div></div>
        <a data-testid="author-link" href="/user/ur1/">{escape(review.author)}</a>
        <li class="ipc-inline-list__item review-date">{review.published:%b} {review.published.day},
        {review.published.year}</li></div></article>"""
        for review in reviews
    )
    link = f'<a rel="next" href="{escape(next_href)}">More</a>' if next_href else ""
    return (
        f'<html><head><meta property="og:title" content="{escape(movie.title)} ({movie.year}) - '
        f'User reviews"></head><body><section data-testid="reviews-container">{items}</section>'
        f"{link}</body></html>"
    )


def _star(review: SiteReview) -> str:
    if review.rating is None:
        return ""
    return (
        f'<span class="ipc-rating-star"><span class="ipc-rating-star--rating">{review.rating}'
        '</span><span class="ipc-rating-star--maxRating">/10</span></span>'
    )


def reviews_lister_page(
    movie: SiteMovie, reviews: Sequence[SiteReview], *, cursor: int | None, is_fragment: bool
) -> str:
    """A page of reviews, by the older markup; a fragment of it for the further ones."""
    items = "".join(
        f"""<div class="lister-item mode-detail imdb-user-review collapsable"
        data-review-id="{review.review_id}"><div class="review-container">
        <div class="lister-item-content">
        {_points(review)}
        <a href="/review/{review.review_id}/?ref_=tt_urv" class="title"> {escape(review.title)}
        </a><div class="display-name-date"><span class="display-name-link"><a href="/user/ur1/">
        {escape(review.author)}</a></span>
        <span class="review-date">{review.published.day} {review.published:%B %Y}</span></div>
        {'<span class="spoiler-warning">Warning: Spoilers</span>' if review.spoiler else ""}
        <div class="content"><div class="text show-more__control">{review.text}</div>
        <div class="actions text-muted">3 out of 4 found this helpful.</div></div>
        </div></div></div>"""
        for review in reviews
    )
    key = "" if cursor is None else f'data-key="{cursor}"'
    more = f"""<div class="load-more-data" {key}
        data-ajaxurl="/title/{movie.movie_id}/reviews/_ajax?ref_=undefined"></div>"""
    listed = f'<div class="lister-list">{items}</div>{more}'
    if is_fragment:
        return listed
    name = (
        f'<div class="subpage_title_block"><h3 itemprop="name"><a href="/title/{movie.movie_id}/">'
        f"{escape(movie.title)}</a> <span>({movie.year})</span></h3></div>"
    )
    return f'<html><body>{name}<div class="lister">{listed}</div></body></html>'


def _points(review: SiteReview) -> str:
    if review.rating is None:
        return ""
    return (
        f'<span class="rating-other-user-rating"><span>{review.rating}</span>'
        '<span class="point-scale">/10</span></span>'
    )
