"""IMDb's pages, in their known structures, with invented texts."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.imdb.pages import (
    parse_reviews,
    parse_title,
    parse_title_list,
    reviews_url,
    title_list_url,
    title_url,
)
from services.ingest.pages.items import ReviewItem, to_movie, to_review
from services.ingest.pages.unreadable import PageUnreadable
from tests.support.crawl.imdb_markup import (
    SiteMovie,
    SiteReview,
    data_page,
    list_data_page,
    title_page,
)
from tests.support.crawl.imdb_site import ImdbSite, Markup, Paging, invented_movies, serve_imdb_site

BASE = "https://www.imdb.com"
LIST_URL = title_list_url(BASE, 10_000)
every_markup = pytest.mark.parametrize("markup", ["data", "components", "lister"])


def _site_movie(**changes: Any) -> SiteMovie:
    [site_movie] = invented_movies(1)
    for name, value in changes.items():
        setattr(site_movie, name, value)
    return site_movie


def _walk_list(site: ImdbSite, url: str) -> list[list[str]]:
    """The ids on each page of a list, page after page, as a crawler goes."""
    pages: list[list[str]] = []
    following: str | None = url
    while following is not None:
        assert len(pages) < 50, "the list never ends"
        body = site.page(_target(following))[1].encode()
        title_list = parse_title_list(body, following)
        pages.append([title.movie_id for title in title_list.titles])
        following = title_list.next_url
    return pages


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def test_addresses() -> None:
    assert title_url("https://m.example/imdb", "tt0000001") == (
        "https://m.example/imdb/title/tt0000001/"
    )
    assert reviews_url(BASE, "tt0000001") == f"{BASE}/title/tt0000001/reviews/"
    query = parse_qs(urlsplit(LIST_URL).query)
    assert query["title_type"] == ["feature"]
    assert query["num_votes"] == ["10000,"]
    assert query["sort"] == ["user_rating,desc"]


@every_markup
def test_a_list_of_titles(markup: Markup) -> None:
    movies = invented_movies(3)
    movies[0].votes = 2_914_000
    body = ImdbSite(movies, markup=markup).page(_target(LIST_URL))[1].encode()
    title_list = parse_title_list(body, LIST_URL)
    assert title_list.next_url is None
    assert [title.movie_id for title in title_list.titles] == [
        site_movie.movie_id for site_movie in movies
    ]
    first = title_list.titles[0]
    assert first.title == "The Ferryman's Goat 1 & Other Stories"
    assert (first.rating, first.votes) == (9.5, 2_914_000)
    assert first.url == f"{BASE}/title/tt9000000/"


@every_markup
def test_a_list_over_several_pages_gives_every_title_best_first(markup: Markup) -> None:
    movies = invented_movies(25)
    for site_movie in movies[5:12]:
        site_movie.rating = 8.7  # a tie that goes over the end of a page
    movies[20].votes = 9_999
    site = ImdbSite(movies, markup=markup, page_size=10)
    pages = _walk_list(site, LIST_URL)
    seen = list(dict.fromkeys(movie_id for page in pages for movie_id in page))
    assert seen == [site_movie.movie_id for site_movie in movies if site_movie.votes >= 10_000]
    assert len(pages) > 2


def test_more_titles_of_one_rating_than_a_page_holds() -> None:
    movies = invented_movies(30)
    for site_movie in movies[4:]:
        site_movie.rating = 8.0
    pages = _walk_list(ImdbSite(movies, page_size=10), LIST_URL)
    assert len({movie_id for page in pages for movie_id in page}) == 30


def test_a_list_says_where_it_goes_on() -> None:
    movies = invented_movies(2)
    url = f"{LIST_URL}&user_rating=,9.4&start=1"

    def following(total: int | None, at: str) -> dict[str, list[str]]:
        title_list = parse_title_list(list_data_page(movies, total=total).encode(), at)
        assert title_list.next_url is not None
        return parse_qs(urlsplit(title_list.next_url).query)

    first = following(9, LIST_URL)
    assert first["user_rating"] == [",9.4"]
    assert "start" not in first
    assert first["num_votes"] == ["10000,"]
    assert following(9, url)["start"] == ["3"]  # no rating below the last is known
    assert following(9, f"{LIST_URL}&user_rating=7,")["user_rating"] == ["7,9.4"]
    assert following(None, f"{BASE}/search/title/?count=2")["user_rating"] == [",9.4"]
    assert parse_title_list(list_data_page(movies, total=None).encode(), LIST_URL).next_url is None
    assert parse_title_list(list_data_page([], total=7).encode(), LIST_URL).next_url is None


def test_what_is_no_movie_is_not_listed() -> None:
    movies = [_site_movie(kind="tvSeries"), _site_movie(movie_id="tt0000007")]
    title_list = parse_title_list(list_data_page(movies, total=2).encode(), LIST_URL)
    assert [title.movie_id for title in title_list.titles] == ["tt0000007"]
    assert title_list.next_url is None


def test_a_list_that_found_nothing_is_empty() -> None:
    for body in (
        list_data_page([], total=0),
        '<div class="lister-list"></div>',
        "<ul class='ipc-metadata-list'></ul>",
    ):
        assert parse_title_list(body.encode(), LIST_URL).titles == []


@every_markup
@pytest.mark.parametrize("paging", ["link", "cursor"])
def test_reviews_over_several_pages(markup: Markup, paging: Paging) -> None:
    [site_movie] = invented_movies(1, reviews=23)
    site = ImdbSite([site_movie], markup=markup, paging=paging, page_size=10)
    reviews: list[ReviewItem] = []
    following: str | None = reviews_url(BASE, site_movie.movie_id)
    pages = 0
    while following is not None:
        page = parse_reviews(
            site.page(_target(following))[1].encode(), following, site_movie.movie_id
        )
        assert page.reviews_without_text == 0
        reviews += page.reviews
        following, pages = page.next_url, pages + 1
    assert pages == 3
    assert [_as_site(review) for review in reviews] == [
        _plain(review) for review in site_movie.reviews
    ]


def _as_site(item: ReviewItem) -> SiteReview:
    review = to_review(item, "imdb")
    assert review.url == f"{BASE}/review/{item.external_id}/"
    assert review.review_id == f"imdb:{item.external_id}"
    assert review.published is not None
    return SiteReview(
        review_id=str(item.external_id),
        text=review.text,
        rating=None if review.rating is None else int(review.rating),
        title=str(review.title),
        author=str(review.author),
        published=date.fromisoformat(review.published),
        spoiler=bool(review.spoiler),
    )


def _plain(review: SiteReview) -> SiteReview:
    text = review.text.replace("<br/><br/>", "\n").replace("&#39;", "'").replace("&amp;", "&")
    return SiteReview(**{**vars(review), "text": text})


def test_reviews_as_the_interface_answers() -> None:
    node = {
        "id": "rw1234567",
        "author": {"nickName": "ada", "userId": "ur1"},
        "authorRating": 7,
        "submissionDate": "2014-05-06",
        "summary": {"originalText": "Slow &amp; good"},
        "text": {"originalText": {"plaidHtml": "Slow.<br/>Good."}},
        "spoiler": True,
    }
    answer = {
        "edges": [{"node": node}, {"node": {"id": "rw7654321"}}, None],
        "pageInfo": {"hasNextPage": True, "endCursor": "a/b=="},
    }
    body = data_page({"contentData": {"data": {"title": {"reviews": answer}}}}).encode()
    url = "https://m.example/imdb/title/tt0000001/reviews/"
    page = parse_reviews(body, url, "tt0000001")
    [item] = page.reviews
    review = to_review(item, "imdb")
    assert (review.text, review.title) == ("Slow.\nGood.", "Slow & good")
    assert review.author == "ada"
    assert (review.rating, review.published, review.spoiler) == (7.0, "2014-05-06", True)
    assert review.url == "https://m.example/imdb/review/rw1234567/"
    assert page.reviews_without_text == 1
    assert page.next_url == f"{url}_ajax?paginationKey=a%2Fb%3D%3D"
    answer["pageInfo"] = {"hasNextPage": False, "endCursor": "a"}
    body = data_page({"contentData": {"data": {"title": {"reviews": answer}}}}).encode()
    assert parse_reviews(body, url, "tt0000001").next_url is None


@every_markup
def test_a_movie_without_reviews(markup: Markup) -> None:
    site_movie = _site_movie(reviews=[])
    url = reviews_url(BASE, site_movie.movie_id)
    body = ImdbSite([site_movie], markup=markup).page(_target(url))[1].encode()
    page = parse_reviews(body, url, site_movie.movie_id)
    assert (page.reviews, page.next_url, page.reviews_without_text) == ([], None, 0)


def test_a_title() -> None:
    site_movie = _site_movie(genres=("Comedy", "War"), directors=("A. B.", "C. D."))
    url = title_url(BASE, site_movie.movie_id)
    item = parse_title(title_page(site_movie).encode(), url, site_movie.movie_id)
    assert item is not None
    movie = to_movie(item)
    assert (movie.movie_id, movie.title, movie.year) == (
        site_movie.movie_id,
        site_movie.title,
        site_movie.year,
    )
    assert (movie.genres, movie.directors) == (("Comedy", "War"), ("A. B.", "C. D."))
    assert (movie.description, movie.rating) == (site_movie.plot, 9.5)
    assert movie.url == url


@pytest.mark.parametrize("without", ["__NEXT_DATA__", "application/ld+json", "both"])
def test_a_title_with_a_part_of_its_data(without: str) -> None:
    site_movie = _site_movie()
    page = title_page(site_movie)
    for name in ["__NEXT_DATA__", "application/ld+json"] if without == "both" else [without]:
        page = page.replace(name, "gone")
    item = parse_title(page.encode(), title_url(BASE, site_movie.movie_id), site_movie.movie_id)
    assert item is not None
    movie = to_movie(item)
    assert (movie.movie_id, movie.title, movie.year) == (
        site_movie.movie_id,
        site_movie.title,
        site_movie.year,
    )
    assert movie.rating == (None if without == "both" else 9.5)


@pytest.mark.parametrize("without", ["nothing", "__NEXT_DATA__"])
def test_a_series_is_no_movie(without: str) -> None:
    site_movie = _site_movie(kind="tvSeries")
    body = title_page(site_movie).replace(without, "gone").encode()
    assert parse_title(body, title_url(BASE, site_movie.movie_id), site_movie.movie_id) is None


_UNREADABLE = [
    b"",
    b"<html></html>",
    b"\xff\xfe\x00",
    b"<h1>Are you a robot?</h1>",
    data_page({}).encode(),
    data_page({"searchResults": None, "contentData": [], "aboveTheFoldData": 3}).encode(),
    data_page("x").encode(),
    b'<script id="__NEXT_DATA__">{broken</script>',
    b'<script id="__NEXT_DATA__">' + b"[" * 100_000 + b"</script>",
]


@pytest.mark.parametrize("body", _UNREADABLE)
def test_a_page_that_is_none_of_these_says_so(body: bytes) -> None:
    with pytest.raises(PageUnreadable):
        parse_title_list(body, LIST_URL)
    with pytest.raises(PageUnreadable):
        parse_reviews(body, reviews_url(BASE, "tt0000001"), "tt0000001")
    with pytest.raises(PageUnreadable):
        parse_title(body, title_url(BASE, "tt0000001"), "tt0000001")


_KEYS = (
    "searchResults", "titleResults", "titleListItems", "titleId", "titleText", "ratingSummary",
    "aggregateRating", "voteCount", "total", "contentData", "reviews", "review", "reviewText",
    "reviewId", "authorRating", "author", "username", "data", "title", "edges", "node", "text",
    "originalText", "pageInfo", "endCursor", "hasNextPage", "aboveTheFoldData", "entityMetadata",
    "releaseYear", "year", "genres", "directorsPageTitle", "credits", "spoiler", "titleType", "id",
)  # fmt: skip
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["tt0000001", "rw1234567", "movie", 1e999]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


def _parse_all(body: bytes, url: str) -> None:
    for parse in (
        lambda: parse_title_list(body, url),
        lambda: parse_reviews(body, url, "tt0000001"),
        lambda: parse_title(body, url, "tt0000001"),
    ):
        try:
            parse()
        except PageUnreadable:
            continue


@given(_json)
def test_no_data_whatever_raises_anything_else(props: Any) -> None:
    places: list[Any] = [
        props,
        {"searchResults": {"titleResults": {"titleListItems": props, "total": 3}}},
        {"contentData": {"reviews": props, "pageInfo": props}},
        {"contentData": {"entityMetadata": props, "data": {"title": {"reviews": props}}}},
        {"aboveTheFoldData": props},
    ]
    for place in places:
        _parse_all(data_page(place).encode(), LIST_URL)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    _parse_all(b'<div class="lister-list"><div class="lister-item">' + body, LIST_URL)
    _parse_all(b'<article class="user-review-item">' + body, LIST_URL)
    _parse_all(b'<script id="__NEXT_DATA__">' + body, LIST_URL)


def test_the_site_itself_over_http() -> None:
    site = ImdbSite(invented_movies(3), page_size=2)
    with serve_imdb_site(site) as base:
        first = title_list_url(base, 1)
        with urlopen(first) as answer:  # noqa: S310 - of our own on loopback
            title_list = parse_title_list(answer.read(), answer.url)
            etag = answer.headers["ETag"]
        assert len(title_list.titles) == 2
        assert title_list.next_url is not None
        assert title_list.next_url.startswith(base)
        address = reviews_url(base, title_list.titles[0].movie_id)
        with urlopen(address) as answer:  # noqa: S310
            page = parse_reviews(answer.read(), answer.url, title_list.titles[0].movie_id)
        assert len(page.reviews) == 2
        assert page.next_url is not None
    assert etag
    assert [status for _, status in site.requests] == [200, 200]


def test_every_fact_of_a_titles_data() -> None:
    above = {
        "titleText": {"text": "The Quiet Harbour"},
        "originalTitleText": {"text": "Il porto quieto"},
        "titleType": {"id": "movie"},
        "runtime": {"seconds": 6120},
        "ratingsSummary": {"aggregateRating": 8.1, "voteCount": 1234},
        "primaryImage": {"url": "https://m.example/p.jpg"},
        "keywords": {"edges": [{"node": {"text": "harbour"}}, {"node": None}]},
        "castPageTitle": {"edges": [{"node": {"name": {"nameText": {"text": "Cem Bay"}}}}]},
        "countriesOfOrigin": {"countries": [{"id": "IT"}]},
    }
    details = {
        "countriesDetails": {"countries": [{"id": "IT", "text": "Italy"}]},
        "spokenLanguages": {"spokenLanguages": [{"id": "it", "text": "Italian"}]},
    }
    page = data_page({"aboveTheFoldData": above, "mainColumnData": details}).encode()
    movie = parse_title(page, f"{BASE}/title/tt0000001/", "tt0000001")
    assert movie is not None
    assert (movie.original_title, movie.people) == ("Il porto quieto", ("Cem Bay",))
    assert (movie.countries, movie.languages) == (("Italy",), ("Italian",))
    assert (movie.keywords, movie.runtime_minutes) == (("harbour",), 102)
    assert (movie.votes, movie.poster_url) == (1234, "https://m.example/p.jpg")
