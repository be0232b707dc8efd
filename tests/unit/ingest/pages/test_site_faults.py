"""Faults of kinds that real sites have: what their markup says is read, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.ingest.pages.identifiers import canonical_url
from services.ingest.pages.schema_org.extraction import PageContent, extract

URL = "https://films.example/film/7"


def _content(*scripts: Any, head: str = "", body: str = "", url: str = URL) -> PageContent:
    blocks = "".join(
        f'<script type="application/ld+json">{one if isinstance(one, str) else json.dumps(one)}'
        "</script>"
        for one in scripts
    )
    page = f"<!doctype html><html><head>{head}{blocks}</head><body>{body}</body></html>"
    return extract(page.encode(), url, "site")


def _movie(**facts: Any) -> dict[str, Any]:
    return {"@type": "Movie", "name": "The Salt Road", **facts}


def _review(text: str, **facts: Any) -> dict[str, Any]:
    return {"@type": "Review", "reviewBody": text, **facts}


def _texts(content: PageContent) -> list[str]:
    return [review.text for reviewed in content.movies for review in reviewed.reviews]


def test_a_person_that_is_referred_to_has_a_name() -> None:
    graph = {
        "@graph": [
            _movie(
                review=_review("A slow, warm story.", author={"@id": "#ada"}),
                director={"@id": "#bo"},
                actor=[{"@id": "#ada"}, {"@id": "#nobody"}],
            ),
            {"@type": "Person", "@id": "#ada", "name": "Ada North"},
            {"@type": "Person", "@id": "#bo", "name": "Bo West"},
        ]
    }
    [reviewed] = _content(graph).movies
    assert reviewed.reviews[0].author == "Ada North"
    assert reviewed.movie.directors == ("Bo West",)
    assert reviewed.movie.people == ("Ada North",)  # and no address in place of a name


def test_a_rating_that_is_referred_to_is_read() -> None:
    graph = {
        "@graph": [
            _movie(
                aggregateRating={"@id": "#all"},
                review=_review("Fine.", reviewRating={"@id": "#mine"}),
            ),
            {"@type": "Rating", "@id": "#mine", "ratingValue": "4", "bestRating": "5"},
            {"@type": "AggregateRating", "@id": "#all", "ratingValue": "90", "ratingCount": "1,234"}
            | {"bestRating": "100"},
        ]
    }
    [reviewed] = _content(graph).movies
    assert (reviewed.movie.rating, reviewed.movie.votes) == (9.0, 1234)
    assert reviewed.reviews[0].rating == 8.0


def test_a_movie_that_is_named_by_its_id_is_one_movie_on_all_pages() -> None:
    own = _content(_movie(review=_review("First."))).movies[0].movie.movie_id
    apart = _content(
        _review("Second.", itemReviewed={"@type": "Movie", "@id": URL + "#movie", "name": "x"}),
        url="https://films.example/reviews/2",
    )
    assert [reviewed.movie.movie_id for reviewed in apart.movies] == [own]


@pytest.mark.parametrize("address", ["https://films.example/", "/", "#movie-1"])
def test_an_address_that_all_movies_share_names_none(address: str) -> None:
    first = _content(_movie(url=address), url=f"{URL}?a=1")
    second = _content(_movie(url=address, name="Other"), url="https://films.example/film/8")
    assert first.movies[0].movie.movie_id != second.movies[0].movie.movie_id


def test_a_page_parameter_that_is_no_number_names_a_page() -> None:
    assert canonical_url("https://a/?page=2") == "https://a/"
    assert canonical_url("https://a/?page=amber") == "https://a/?page=amber"
    first, second = (
        _content(_movie(name=name), url=f"https://films.example/index.php?page={name}")
        for name in ("amber", "cobalt")
    )
    assert first.movies[0].movie.movie_id != second.movies[0].movie.movie_id


@pytest.mark.parametrize("url", [f"{URL}?utm_source=x", f"{URL}/print/", f"{URL}?ref=list"])
def test_a_page_is_known_by_its_canonical_address(url: str) -> None:
    head = f'<link rel="canonical" href="{URL}">'
    copy = _content(_movie(review=_review("A joy.")), head=head, url=url)
    original = _content(_movie(review=_review("A joy.")), head=head)
    assert copy.movies[0].movie.movie_id == original.movies[0].movie.movie_id
    assert copy.movies[0].movie.url == URL


@pytest.mark.parametrize(
    "canonical", ["https://films.example/", "https://other.example/film/7", ""]
)
def test_a_canonical_address_that_cannot_be_this_page_is_ignored(canonical: str) -> None:
    content = _content(_movie(), head=f'<link rel="canonical" href="{canonical}">')
    assert content.movies[0].movie.url == URL


def test_nodes_with_one_id_have_the_values_of_all() -> None:
    first = _movie(**{"@id": "#m", "review": _review("From one plugin."), "genre": "Drama"})
    second = _movie(**{"@id": "#m", "review": _review("From another."), "genre": "Comedy"})
    content = _content(first, second)
    assert _texts(content) == ["From one plugin.", "From another."]
    assert content.movies[0].movie.genres == ("Drama", "Comedy")


def test_one_id_on_many_reviews_leaves_them_apart() -> None:
    reviews = [_review(text, **{"@id": "#review"}) for text in ("One.", "Two.", "Three.")]
    assert _texts(_content(_movie(review=reviews))) == ["One.", "Two.", "Three."]


def test_reviews_that_give_their_page_as_their_link_stay_apart() -> None:
    featured = _review("Loved every minute of it.", url=URL, author="Tamsin")
    listed = "".join(
        f'<div itemprop="review" itemscope itemtype="https://schema.org/Review">'
        f'<a itemprop="url" href="{URL}"></a><b itemprop="author">{author}</b>'
        f'<p itemprop="reviewBody">{text}</p></div>'
        for author, text in (
            ("Ivo", "It dragged on and on for me."),
            ("Tamsin", "Loved every minute of it."),
            ("Ruth", "Good in parts."),
        )
    )
    body = (
        '<div itemscope itemtype="https://schema.org/Movie"><h1 itemprop="name">The Salt Road</h1>'
        f"{listed}</div>"
    )
    [reviewed] = _content(_movie(review=featured), body=body).movies
    said = {review.author: review.text for review in reviewed.reviews}
    assert said == {
        "Tamsin": "Loved every minute of it.",
        "Ivo": "It dragged on and on for me.",
        "Ruth": "Good in parts.",
    }


def test_links_are_relative_to_the_base_of_the_page() -> None:
    head = '<base href="https://films.example/archive/">'
    [reviewed] = _content(
        _movie(url="salt-road", review=_review("Fine.", url="r/1")), head=head
    ).movies
    assert reviewed.movie.url == "https://films.example/archive/salt-road"
    assert reviewed.reviews[0].url == "https://films.example/archive/r/1"


@pytest.mark.parametrize(
    ("rating", "expected"),
    [
        ({"ratingValue": "85%"}, 8.5), ({"ratingValue": "B+", "bestRating": "A"}, 8.3), (4, 8.0),
        ("4/5", 8.0), ({"ratingValue": "3 out of 4"}, 7.5), ({"ratingValue": 85}, 8.5),
        ({"ratingValue": "★★★★☆"}, 8.0), ({"ratingValue": "7", "bestRating": "10 stars"}, 7.0),
        ({"ratingValue": "3½", "bestRating": "5"}, 7.0), ({"ratingValue": 0, "bestRating": 5}, 0.0),
        ({"ratingValue": "-2", "bestRating": "3", "worstRating": "-3"}, 1.67),
    ],
)  # fmt: skip
def test_a_rating_in_another_notation_is_read(rating: Any, expected: float) -> None:
    content = _content(_movie(review=_review("Fine.", reviewRating=rating)))
    assert content.movies[0].reviews[0].rating == expected
    assert content.unread == []


def test_a_value_that_cannot_be_read_is_listed_and_costs_only_itself() -> None:
    review = _review("Fine.", reviewRating={"ratingValue": 6, "bestRating": 5}, spoiler="perhaps")
    content = _content(_movie(datePublished="soon", duration="long", review=review))
    [reviewed] = content.movies
    assert (reviewed.movie.year, reviewed.movie.runtime_minutes) == (None, None)
    assert (reviewed.reviews[0].rating, reviewed.reviews[0].text) == (None, "Fine.")
    assert {unread.where.split()[-1] for unread in content.unread} == {
        "reviewRating", "spoiler", "datePublished", "duration",
    }  # fmt: skip
    assert all(unread.kind == "value" and unread.why for unread in content.unread)


@pytest.mark.parametrize(
    "written", ["10 February 2006", "February 10, 2006", "2006/02/10", "2006-02-10T08:00:00Z"]
)
def test_the_day_of_a_review_is_read(written: str) -> None:
    content = _content(_movie(review=_review("Fine.", datePublished=written)))
    assert content.movies[0].reviews[0].published == "2006-02-10"


@pytest.mark.parametrize("rule", ["noindex", "none", "NOINDEX, follow"])
def test_a_page_that_may_not_be_indexed_is_not(rule: str) -> None:
    head = f'<meta name="robots" content="{rule}">'
    assert _content(_movie(review=_review("Fine.")), head=head).movies == []


@pytest.mark.parametrize(
    ("header", "is_read"),
    [("noindex", False), ("googlebot: noindex", True), ("semantic-movie-search: none", False),
     ("noarchive", True), ("unavailable_after: 2030-01-01", True)],
)  # fmt: skip
def test_the_header_of_a_page_says_whether_it_may_be_indexed(header: str, is_read: bool) -> None:
    page = f'<script type="application/ld+json">{json.dumps(_movie())}</script>'.encode()
    assert bool(extract(page, URL, "site", robots_tags=(header,)).movies) is is_read


def test_links_of_a_page_may_be_closed() -> None:
    content = _content(_movie(), head='<meta name="robots" content="nofollow">')
    assert content.head is not None
    assert (content.head.may_index, content.head.may_follow) == (True, False)


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "Movie", "name": "The Salt Road"};',
        '{"@type": "Person", "name": "x"} {"@type": "Movie", "name": "The Salt Road"}',
        json.dumps(json.dumps({"@type": "Movie", "name": "The Salt Road"})),
        '{"@type": "Movie", /* the title */ "name": "The Salt\x0b Road",}',
        '{"@type": "https://schema.org/Movie/", "name": "The Salt Road"}',
        '{"@type": "movie", "name": "The Salt Road"}',
        '{"@type": "CreativeWork", "name": "The Salt Road", "sameAs": "https://imdb.com/title/tt0000007"}',
    ],
    ids=["semicolon", "two objects", "json in json", "control character", "slash", "lower", "work"],
)  # fmt: skip
def test_markup_with_a_mistake_that_can_be_understood_is_read(script: str) -> None:
    content = _content(script)
    assert [" ".join((one.movie.title or "").split()) for one in content.movies] == [
        "The Salt Road"
    ]
    assert content.unread == []


def test_a_block_that_cannot_be_read_names_its_page_and_its_place() -> None:
    content = _content('{"@type": "Movie", "name": "The "Salt" Road"}', _movie(name="Other"))
    assert [one.movie.title for one in content.movies] == ["Other"]
    [unread] = content.unread
    assert (unread.kind, unread.where) == ("page", URL)
    assert "line 1" in unread.why
    assert "Salt" in unread.excerpt


def test_paragraphs_that_are_several_values_are_all_kept() -> None:
    content = _content(_movie(review=_review("", reviewBody=["First part.", "Second part."])))
    assert _texts(content) == ["First part.\n\nSecond part."]


def test_translations_of_a_text_are_not_joined() -> None:
    texts = [{"@value": "Schön.", "@language": "de"}, {"@value": "Lovely.", "@language": "en"}]
    assert _texts(_content(_movie(review=_review("", reviewBody=texts)))) == ["Schön."]


def test_notes_are_the_text_of_a_review_that_has_no_other() -> None:
    notes = {"@type": "ItemList", "itemListElement": [{"name": "Warm"}, {"name": "Short"}]}
    review = {"@type": "Review", "positiveNotes": notes, "negativeNotes": ["Loud"]}
    assert _texts(_content(_movie(review=review))) == ["Warm\n\nShort\n\nLoud"]


def test_a_review_of_two_movies_belongs_to_both() -> None:
    subjects = [
        {"@type": "Movie", "name": name, "url": f"/film/{name}"} for name in ("amber", "cobalt")
    ]
    content = _content(
        _review("Both are fine.", url="/reviews/9", itemReviewed=subjects),
        url="https://films.example/reviews/9",
    )
    ids = {reviewed.reviews[0].external_id for reviewed in content.movies}
    assert (len(content.movies), len(ids)) == (2, 2)


def test_reviews_of_other_works_are_counted() -> None:
    review = _review("A fine series.", itemReviewed={"@type": "TVSeries", "name": "The Inlet"})
    content = _content(review)
    assert (content.movies, content.reviews_of_others) == ([], 1)
