"""Reads IMDb's pages: lists of titles, title pages, and pages of reviews. Pure: bytes to items.

Each page is read from its data (``next_data``) and, if that is missing, from its markup
(``page_html``). A page that has neither raises ``PageUnreadable``: IMDb has changed, or the page is
not IMDb's. An empty list and an empty page of reviews are not errors.

The URL of the next page of a list uses the sort key: it is the same search, for titles rated no
higher than the last one. So no title is lost when ratings change between two pages; titles with
that rating are listed again, and the caller ignores them. If all titles of a page have the same
rating, the search continues by position. A page without new titles ends the list.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.html_tree import parse_page
from services.ingest.pages.imdb import next_data, page_html
from services.ingest.pages.imdb.content import ListedTitle, ReviewPage, TitleList
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.schema_org.dedupe import merged_movie
from services.ingest.pages.schema_org.extraction import extract_from
from services.ingest.pages.unreadable import PageUnreadable

__all__ = [
    "ListedTitle",
    "ReviewPage",
    "TitleList",
    "parse_reviews",
    "parse_title",
    "parse_title_list",
    "reviews_url",
    "title_list_url",
    "title_url",
]

LIST_COUNT = 250  # the maximum number of titles on a page of results
_DEFAULT_COUNT = 50
_SITE_PATH = re.compile(r"/(?:title|search)/.*$")


def title_list_url(base_url: str, min_votes: int) -> str:
    """The URL of the first page of feature movies with at least ``min_votes``, best rated first."""
    query = {
        "title_type": "feature",
        "num_votes": f"{min_votes},",
        "sort": "user_rating,desc",
        "count": LIST_COUNT,
    }
    return f"{base_url}/search/title/?{urlencode(query, safe=',')}"


def title_url(base_url: str, movie_id: str) -> str:
    """The URL of a movie's title page."""
    return f"{base_url}/title/{movie_id}/"


def reviews_url(base_url: str, movie_id: str) -> str:
    """The URL of the first page of a movie's reviews."""
    return f"{base_url}/title/{movie_id}/reviews/"


def parse_title_list(body: bytes, url: str) -> TitleList:
    """Read a page of search results.

    Args:
        body: The page as received.
        url: The URL of the page.

    Raises:
        PageUnreadable: it is not a list of titles.
    """
    tree = parse_page(body)
    if tree is None:
        raise PageUnreadable("an empty page")
    base = _base(url)
    link = page_html.next_link(tree)
    props = next_data.page_props(tree)
    listed = next_data.read_titles(props, base) if props is not None else None
    if listed is not None:
        titles, entries, total = listed
        seen = _query_number(url, "start", 1) - 1 + entries
        more = entries >= _count(url) if total is None else seen < total
    else:
        shown = page_html.read_titles(tree, base)
        if shown is None:
            raise PageUnreadable("neither the data nor the markup of a list of titles")
        titles, link, more = shown
    return TitleList(titles, _next_of_list(url, link, titles) if link or more else None)


def parse_reviews(body: bytes, url: str, movie_id: str) -> ReviewPage:
    """Read a page of a movie's reviews.

    Args:
        body: The page as received.
        url: The URL of the page.
        movie_id: The id of the movie.

    Raises:
        PageUnreadable: it is not a page of reviews.
    """
    tree = parse_page(body)
    if tree is None:
        raise PageUnreadable("an empty page")
    base = _base(url)
    props = next_data.page_props(tree) or {}
    by_data = next_data.read_reviews(props, base, movie_id)
    if by_data is not None:
        all_reviews, cursor = by_data
        link = page_html.next_link(tree)
        if link is None and cursor is not None:
            link = f"{reviews_url(base, movie_id)}_ajax?paginationKey={quote(cursor, safe='')}"
    else:
        by_markup = page_html.read_reviews(tree, base, movie_id)
        if by_markup is None:
            raise PageUnreadable("neither the data nor the markup of a page of reviews")
        all_reviews, link = by_markup
    reviews = [review for review in all_reviews if _has_text(review)]
    return ReviewPage(
        reviews=reviews,
        next_url=urljoin(url, link) if link is not None else None,
        reviews_without_text=len(all_reviews) - len(reviews),
    )


def parse_title(body: bytes, url: str, movie_id: str) -> MovieItem | None:
    """Read a title page.

    Args:
        body: The page as received.
        url: The URL of the page.
        movie_id: The id of the movie.

    Returns:
        The movie; None when the page is about something else: a series, an episode, a game.

    Raises:
        PageUnreadable: it is not a title page.
    """
    tree = parse_page(body)
    if tree is None:
        raise PageUnreadable("an empty page")
    base = _base(url)
    props = next_data.page_props(tree) or {}
    if next_data.is_another_kind(props) or page_html.is_another_kind(tree):
        return None
    parts = [
        next_data.read_movie(props, base, movie_id),
        *(reviewed.movie for reviewed in extract_from(tree, url, "imdb").movies),
        page_html.read_movie(tree, base, movie_id),
    ]
    movie: MovieItem | None = None
    for part in parts:
        if part is not None and part.movie_id == movie_id:
            movie = part if movie is None else merged_movie(movie, part)
    if movie is None:
        raise PageUnreadable("neither the data nor the markup of a title page")
    return movie


def _has_text(review: ReviewItem) -> bool:
    return bool(clean_text(review.text))


def _base(url: str) -> str:
    """The address of the site, without a final slash: the part before the path of a page."""
    parts = urlsplit(url)
    path = _SITE_PATH.sub("", parts.path)
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))


def _next_of_list(url: str, link: str | None, titles: list[ListedTitle]) -> str | None:
    if link is not None:
        return urljoin(url, link)
    if not titles:
        return None
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    least, _, most = query.get("user_rating", ",").partition(",")
    last = titles[-1].rating
    if last is not None and (not most or last < _float(most)):
        query.pop("start", None)
        query["user_rating"] = f"{least},{last:g}"
    else:
        query["start"] = str(_query_number(url, "start", 1) + len(titles))
    return urlunsplit(parts._replace(query=urlencode(query, safe=","), fragment=""))


def _count(url: str) -> int:
    return _query_number(url, "count", _DEFAULT_COUNT)


def _query_number(url: str, name: str, default: int) -> int:
    value = dict(parse_qsl(urlsplit(url).query)).get(name, "")
    return int(value) if value.isdecimal() and len(value) < 9 else default


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
