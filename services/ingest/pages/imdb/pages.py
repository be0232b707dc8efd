"""IMDb's pages: lists of titles, titles, and reviews. Pure: bytes in, items out.

Each page is read by its data (``imdb_next_data``) and, where that is missing, by its markup
(``imdb_html``). A page that has neither is ``PageUnreadable``: IMDb has changed, or it is no page
of IMDb's at all. A list or a page of reviews that is there and empty is not an error.

The next page of a list is asked for by what the list is sorted by: the same search, of titles
rated no higher than the last one. So nothing is lost when ratings move between two pages; titles
that share that rating come again, and the caller knows them. Where a whole page shares one rating,
the search goes on by position. A page that brings no title that is new ends the list.
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

LIST_COUNT = 250  # the most titles that a page of results is given
_DEFAULT_COUNT = 50
_SITE_PATH = re.compile(r"/(?:title|search)/.*$")


def title_list_url(base_url: str, min_votes: int) -> str:
    """The first page of feature films with at least ``min_votes``, best rated first."""
    query = {
        "title_type": "feature",
        "num_votes": f"{min_votes},",
        "sort": "user_rating,desc",
        "count": LIST_COUNT,
    }
    return f"{base_url}/search/title/?{urlencode(query, safe=',')}"


def title_url(base_url: str, movie_id: str) -> str:
    """The page of a film."""
    return f"{base_url}/title/{movie_id}/"


def reviews_url(base_url: str, movie_id: str) -> str:
    """The first page of a film's reviews."""
    return f"{base_url}/title/{movie_id}/reviews/"


def parse_title_list(body: bytes, url: str) -> TitleList:
    """A page of search results, in its order.

    Raises:
        PageUnreadable: it is none.
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
    """A page of a film's reviews, in its order.

    Raises:
        PageUnreadable: it is none.
    """
    tree = parse_page(body)
    if tree is None:
        raise PageUnreadable("an empty page")
    base = _base(url)
    props = next_data.page_props(tree) or {}
    movie = next_data.read_reviewed_movie(props, base, movie_id)
    by_data = next_data.read_reviews(props, base, movie_id)
    if by_data is not None:
        found, cursor = by_data
        link = page_html.next_link(tree)
        if link is None and cursor is not None:
            link = f"{reviews_url(base, movie_id)}_ajax?paginationKey={quote(cursor, safe='')}"
    else:
        by_markup = page_html.read_reviews(tree, base, movie_id)
        if by_markup is None:
            raise PageUnreadable("neither the data nor the markup of a page of reviews")
        found, link = by_markup
    reviews = [review for review in found if _has_text(review)]
    return ReviewPage(
        movie=movie or page_html.read_movie(tree, base, movie_id),
        reviews=reviews,
        next_url=urljoin(url, link) if link is not None else None,
        reviews_without_text=len(found) - len(reviews),
    )


def parse_title(body: bytes, url: str, movie_id: str) -> MovieItem | None:
    """A film's page; None when it is of something else: a series, an episode, a game.

    Raises:
        PageUnreadable: it is no title's page.
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
        *(film.movie for film in extract_from(tree, url, "imdb").films),
        page_html.read_movie(tree, base, movie_id),
    ]
    movie: MovieItem | None = None
    for part in parts:
        if part is not None and part.movie_id == movie_id:
            movie = part if movie is None else merged_movie(movie, part)
    if movie is None:
        raise PageUnreadable("neither the data nor the markup of a title's page")
    return movie


def _has_text(review: ReviewItem) -> bool:
    return bool(clean_text(review.text))


def _base(url: str) -> str:
    """The site's address, without the slash at its end: what comes before a page's own path."""
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
