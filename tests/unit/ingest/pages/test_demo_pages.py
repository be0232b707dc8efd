"""The bundled catalogue, and pages that say exactly what is in it."""

from __future__ import annotations

import re
from collections import Counter

import lxml.html
import pytest

from services.ingest.demo_site.demo_catalogue import (
    DemoCatalogue,
    DemoMovie,
    DemoReview,
    load_catalogue,
)
from services.ingest.demo_site.demo_pages import DemoSite, movie_pages
from services.ingest.pages.items import to_movie, to_review
from services.ingest.pages.schema_org.extraction import extract
from services.ingest.pages.sitemaps import parse_sitemap

BASE = "http://127.0.0.1:8100"


@pytest.fixture(scope="module")
def catalogue() -> DemoCatalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def site(catalogue: DemoCatalogue) -> DemoSite:
    return DemoSite(catalogue, BASE)


def test_the_catalogue_is_large_and_varied(catalogue: DemoCatalogue) -> None:
    assert len(catalogue) >= 100
    assert len({movie.movie_id for movie in catalogue}) == len(catalogue)
    assert len({(movie.title, movie.year) for movie in catalogue}) == len(catalogue)
    assert len({movie.year // 10 for movie in catalogue}) >= 8
    assert len({genre for movie in catalogue for genre in movie.genres}) >= 12
    assert len({movie.country for movie in catalogue}) >= 10


def test_five_reviews_each_of_30_to_90_words_no_two_alike(catalogue: DemoCatalogue) -> None:
    assert all(len(movie.reviews) == 5 for movie in catalogue)
    texts = [review.text for movie in catalogue for review in movie.reviews]
    assert len(set(texts)) == len(texts)
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) >= 30
    assert max(lengths) <= 90
    openings = Counter(" ".join(text.split()[:4]).lower() for text in texts)
    assert openings.most_common(1)[0][1] <= 5
    assert all(len({review.rating for review in movie.reviews}) > 1 for movie in catalogue)


def test_every_page_round_trips_through_extraction(
    catalogue: DemoCatalogue, site: DemoSite
) -> None:
    for movie in catalogue:
        texts = []
        for number in range(1, movie_pages(movie) + 1):
            url = f"{site.movie_url(movie)}?page={number}"
            page = site.page(f"/films/{movie.movie_id}?page={number}")
            content = extract(page.body, url, "demo")
            assert content.unread == []
            [reviewed] = content.movies
            record = to_movie(reviewed.movie)
            assert (record.movie_id, record.title, record.year) == (
                movie.movie_id,
                movie.title,
                movie.year,
            )
            assert record.genres == movie.genres
            assert ", ".join(record.directors) == movie.director
            assert record.description == movie.description
            assert record.rating == movie.mean_rating
            texts += [to_review(review, "demo") for review in reviewed.reviews]
        for at, (review_record, review) in enumerate(zip(texts, movie.reviews, strict=True), 1):
            assert review_record.review_id == f"demo:{movie.movie_id}-review-{at}"
            assert review_record.text.split() == review.text.split()
            assert review_record.rating == review.rating
            assert review_record.published == review.date.isoformat()
            assert review_record.url == f"{site.movie_url(movie)}#review-{at}"


def test_ids_do_not_depend_on_where_the_site_is(catalogue: DemoCatalogue) -> None:
    movie = catalogue[0]
    ids = set()
    for base in (BASE, "http://demo.example"):
        site = DemoSite(catalogue, base)
        page = site.page(f"/films/{movie.movie_id}")
        [reviewed] = extract(page.body, site.movie_url(movie), "demo").movies
        ids.add(tuple(to_review(review, "demo").review_id for review in reviewed.reviews))
    assert len(ids) == 1


def test_all_that_is_linked_is_there(catalogue: DemoCatalogue, site: DemoSite) -> None:
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        page = site.page(path)
        assert page.status == 200, path
        tree = lxml.html.fromstring(page.body)
        ids = set(tree.xpath("//@id"))
        for link in tree.xpath("//@href"):
            if link.startswith("#"):
                assert link[1:] in ids
            elif not link.startswith("http"):
                waiting.append(link)
    assert {f"/films/{movie.movie_id}" for movie in catalogue} <= seen


def test_the_sitemaps_list_every_movie(catalogue: DemoCatalogue, site: DemoSite) -> None:
    index = parse_sitemap(site.page("/sitemap.xml").body, max_bytes=10**7)
    assert index is not None
    assert index.is_index
    urls: set[str] = set()
    for url in index.urls:
        part = parse_sitemap(site.page(url.removeprefix(BASE)).body, max_bytes=10**7)
        assert part is not None
        urls.update(part.urls)
    assert {site.movie_url(movie) for movie in catalogue} < urls


def test_robots_names_the_sitemap_and_the_rules(catalogue: DemoCatalogue) -> None:
    body = DemoSite(catalogue, BASE, disallow=["/films"]).page("/robots.txt").body.decode()
    assert "Disallow: /films\n" in body
    assert f"Sitemap: {BASE}/sitemap.xml" in body


@pytest.mark.parametrize(
    "target",
    ["/nothing", "/films?page=0", "/films?page=99", "/films?page=x", "/films/tt0000000",
     "/films/tt0088763?page=9", "/films?page=٣", "/films/../etc/passwd"],
)  # fmt: skip
def test_what_is_not_there(site: DemoSite, target: str) -> None:
    assert site.page(target).status == 404


def test_text_cannot_break_out_of_the_page() -> None:
    evil = "</script><script>alert(1)</script> & \"quotes\" 'single' <b>"
    movie = DemoMovie(
        movie_id="tt0000001", title=evil, year=2000, genres=(evil,), director=evil, country=evil,
        description=evil,
        reviews=(DemoReview.model_validate(
            {"author": evil, "rating": 5, "date": "2020-01-01", "title": evil, "text": evil}),),
    )  # fmt: skip
    body = DemoSite((movie,), BASE).page("/films/tt0000001").body
    tree = lxml.html.fromstring(body)
    assert [script.get("type") for script in tree.iter("script")] == ["application/ld+json"]
    assert tree.xpath("string(//h1)") == evil
    [reviewed] = extract(body, f"{BASE}/films/tt0000001", "demo").movies
    assert reviewed.movie.title == evil
    assert reviewed.reviews[0].text == evil


def test_an_entity_tag_names_the_content(site: DemoSite) -> None:
    one, again, two = (site.page(path).etag for path in ("/films", "/", "/films?page=2"))
    assert one == again != two
    assert re.fullmatch(r'"[0-9a-f]{20}"', one)
