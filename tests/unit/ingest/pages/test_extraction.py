"""schema.org markup as sites really write it: JSON-LD, and microdata beside it."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.items import to_movie, to_review
from services.ingest.pages.schema_org.extraction import PageContent, extract
from services.ingest.pages.schema_org.json_ld import MAX_NODES

URL = "https://films.example/film/42"


def _page(*scripts: str, media_type: str = "application/ld+json") -> bytes:
    blocks = "".join(f'<script type="{media_type}">{script}</script>' for script in scripts)
    return f"<!doctype html><html><head>{blocks}</head><body><p>x</p></body></html>".encode()


def _extract(*blocks: Any, url: str = URL) -> PageContent:
    return extract(_page(*(json.dumps(block) for block in blocks)), url, "site")


MOVIE: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Movie",
    "name": "Back to the Future",
    "sameAs": "https://www.imdb.com/title/tt0088763/",
    "datePublished": "1985-07-03",
    "genre": ["Adventure", "Comedy, Sci-Fi"],
    "director": [{"@type": "Person", "name": "Robert Zemeckis"}],
    "description": "A teenager travels to 1955.",
    "aggregateRating": {"@type": "AggregateRating", "ratingValue": "4.3", "bestRating": "5"},
}
REVIEW: dict[str, Any] = {
    "@type": "Review",
    "reviewBody": "A joy from end to end.",
    "name": "Joy",
    "author": {"@type": "Person", "name": "Ada"},
    "datePublished": "2020-02-03",
    "reviewRating": {"@type": "Rating", "ratingValue": 9, "bestRating": 10},
    "url": "#r1",
    "inLanguage": "en",
}


def test_a_movie_with_nested_reviews() -> None:
    [reviewed] = _extract({**MOVIE, "review": [REVIEW, {**REVIEW, "reviewBody": "Dull."}]}).movies
    movie = reviewed.movie
    assert (movie.movie_id, movie.title, movie.year) == ("tt0088763", "Back to the Future", 1985)
    assert movie.genres == ("Adventure", "Comedy", "Sci-Fi")
    assert movie.directors == ("Robert Zemeckis",)
    assert movie.rating == 8.6
    assert movie.url == URL
    first, second = reviewed.reviews
    assert (first.text, first.rating, first.author) == ("A joy from end to end.", 9.0, "Ada")
    assert (first.title, first.published, first.language) == ("Joy", "2020-02-03", "en")
    assert first.url == f"{URL}#r1"
    assert second.text == "Dull."
    assert {first.movie_id, second.movie_id} == {"tt0088763"}


@pytest.mark.parametrize(
    "block",
    [
        [{**MOVIE, "review": REVIEW}],
        {"@context": "x", "@graph": [{"@type": "WebPage"}, {**MOVIE, "review": REVIEW}]},
        {"@type": "WebPage", "mainEntity": {**MOVIE, "review": [REVIEW]}},
        {**MOVIE, "@type": ["Product", "Movie"], "reviews": [REVIEW]},
        {**MOVIE, "@type": "http://schema.org/Movie", "review": REVIEW},
        {**MOVIE, "review": {**REVIEW, "@type": "schema:Review"}},
        {**REVIEW, "itemReviewed": MOVIE},
        [MOVIE, {**REVIEW, "itemReviewed": {"@type": "Movie", "name": "Back to the Future"}}],
        {"@graph": [{**MOVIE, "@id": "#film"}, {**REVIEW, "itemReviewed": {"@id": "#film"}}]},
        {"@graph": [{**MOVIE, "review": [{"@id": "#r"}]}, {**REVIEW, "@id": "#r"}]},
        {**MOVIE, "review": {**REVIEW, "itemReviewed": {"@type": "Movie", "name": "Other"}}},
        {**MOVIE, "name": [{"@value": "Back to the Future", "@language": "en"}], "review": REVIEW},
    ],
)  # fmt: skip
def test_shapes_of_the_same_thing(block: Any) -> None:
    [reviewed] = _extract(block).movies
    assert reviewed.movie.movie_id == "tt0088763"
    assert reviewed.movie.title == "Back to the Future"
    assert [review.text for review in reviewed.reviews] == ["A joy from end to end."]


@pytest.mark.parametrize(
    "wrapped",
    [
        "//<![CDATA[\n{}\n//]]>",
        "/*<![CDATA[*/{}/*]]>*/",
        "<![CDATA[{}]]>",
        "<!-- begin -->\n{}",
        "\n\n  {}\n",
    ],
)
def test_wrapped_scripts(wrapped: str) -> None:
    script = wrapped.replace("{}", json.dumps({**MOVIE, "review": REVIEW}))
    content = extract(_page(script), URL, "site")
    assert content.unread == []
    assert len(content.movies[0].reviews) == 1


def test_a_media_type_with_parameters() -> None:
    body = _page(json.dumps(MOVIE), media_type="application/ld+json; charset=utf-8")
    assert len(extract(body, URL, "site").movies) == 1


def test_a_broken_block_costs_only_itself() -> None:
    good = json.dumps({**MOVIE, "review": REVIEW})
    content = extract(_page("{not json", good, "", "[" * 100_000), URL, "site")
    assert [unread.kind for unread in content.unread] == ["page"] * 3
    assert len(content.movies) == 1


def test_values_beyond_the_limit_are_counted_as_unread() -> None:
    movie = {**MOVIE, "review": REVIEW}
    content = extract(_page(json.dumps([movie, [0] * MAX_NODES])), URL, "site")
    assert [unread.why for unread in content.unread] == ["more than 20,000 values"]
    assert len(content.movies[0].reviews) == 1


def test_an_entry_of_a_list_is_left_to_its_own_page() -> None:
    entries = [{**MOVIE, "url": "/film/1"}, {**MOVIE, "url": "/film/2"}]
    assert _extract({"@type": "ItemList", "itemListElement": entries}).movies == []
    assert len(_extract({**MOVIE, "url": "/film/42/"}).movies) == 1


def test_without_an_imdb_id_the_page_names_the_movie_whatever_page_of_reviews_it_is() -> None:
    movie = {key: value for key, value in MOVIE.items() if key != "sameAs"}
    [first] = _extract({**movie, "review": REVIEW}).movies
    [second] = _extract({**movie, "review": REVIEW}, url=f"{URL}?page=2#x").movies
    assert first.movie.movie_id == second.movie.movie_id
    assert first.movie.movie_id.startswith("site:")


def test_an_own_number_of_a_review_is_made_unique_by_its_movie() -> None:
    [reviewed] = _extract({**MOVIE, "review": {**REVIEW, "identifier": 7}}).movies
    assert reviewed.reviews[0].external_id == "tt0088763:7"


def test_reviews_without_text_are_counted() -> None:
    textless = [{"@type": "Review", "reviewRating": {}}, {**REVIEW, "reviewBody": "<p> </p>"}]
    content = _extract({**MOVIE, "review": textless})
    assert content.reviews_without_text == 2
    assert content.movies[0].reviews == []


@pytest.mark.parametrize(
    ("rating", "expected"),
    [
        ({"ratingValue": 4}, 8.0),
        ({"ratingValue": "8"}, 8.0),
        ({"ratingValue": "7,5", "bestRating": "10"}, 7.5),
        ({"ratingValue": "3/4"}, 7.5),
        ({"ratingValue": "85%", "bestRating": 100}, 8.5),
        ({"ratingValue": 11, "bestRating": 10}, None),
        ({"ratingValue": "good"}, None),
        ({"ratingValue": 3, "bestRating": 0}, None),
        ([{}, {"ratingValue": 5}], 10.0),
        ("9", 9.0),
        (None, None),
    ],
)
def test_ratings_on_a_scale_of_ten(rating: Any, expected: float | None) -> None:
    [reviewed] = _extract({**MOVIE, "review": {**REVIEW, "reviewRating": rating}}).movies
    assert reviewed.reviews[0].rating == expected


def test_other_encodings() -> None:
    body = _page(json.dumps({**MOVIE, "name": "Amélie"}, ensure_ascii=False))
    latin = body.decode().encode("latin-1")
    assert extract(latin, URL, "site", encoding="latin-1").movies[0].movie.title == "Amélie"


_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["@type", "@id", "@graph", "name", "review", "itemReviewed", "reviewBody", "url",
             "reviewRating", "ratingValue", "genre", "director", "datePublished", "sameAs"]
        ) | st.text(max_size=3),
        inner | st.sampled_from(["Movie", "Review", "tt0088763", "#a"]),
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(_json)
def test_no_json_whatever_raises(block: Any) -> None:
    script = json.dumps(block).replace("<", "\\u003c")
    assert extract(_page(script), URL, "site").unread == []


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(body: bytes) -> None:
    assert extract(b'<script type="application/ld+json">' + body, URL, "site").movies is not None


def test_names_under_a_prefix_an_alias_or_in_full() -> None:
    blocks: list[Any] = [
        {
            "@context": {"schema": "https://schema.org/"},
            "@type": "schema:Movie",
            "schema:name": "Back to the Future",
            "schema:sameAs": {"@id": "https://www.imdb.com/title/tt0088763/"},
            "schema:review": {"@type": "schema:Review", "schema:reviewBody": "A joy."},
        },
        {
            "@context": ["https://schema.org", {"s": "http://schema.org/", "@version": 1.1}],
            "@type": "s:Movie",
            "s:name": "Back to the Future",
            "sameAs": "tt0088763",
            "s:review": [{"@type": "s:Review", "s:reviewBody": "A joy."}],
        },
        {
            "@context": {
                "type": "@type",
                "Film": "https://schema.org/Movie",
                "label": {"@id": "https://schema.org/name"},
                "critique": "schema:review",
            },
            "type": "Film",
            "label": "Back to the Future",
            "sameAs": "tt0088763",
            "critique": {"type": "Review", "reviewBody": "A joy."},
        },
        {
            "https://schema.org/name": "Back to the Future",
            "@type": "https://www.schema.org/Movie",
            "http://schema.org/sameAs": "tt0088763",
            "http://schema.org/review": {
                "@type": "http://schema.org/Review",
                "http://schema.org/reviewBody": {"@value": "A joy."},
            },
        },
    ]
    for block in blocks:
        [reviewed] = _extract(block).movies
        assert (reviewed.movie.movie_id, reviewed.movie.title) == (
            "tt0088763",
            "Back to the Future",
        )
        assert [review.text for review in reviewed.reviews] == ["A joy."]


def test_references() -> None:
    movie = {key: value for key, value in MOVIE.items() if key != "sameAs"}
    graphs: list[Any] = [
        # A movie in two nodes with the same id, once relative and once absolute.
        [
            {**movie, "@id": "#film"},
            {"@id": f"{URL}#film", "sameAs": "tt0088763", "review": ["#r"]},
            {**REVIEW, "@id": "#r"},
        ],
        # By plain strings, and from the review to the movie.
        [{**MOVIE, "@id": "#film"}, {**REVIEW, "itemReviewed": "#film"}],
        # The other way round.
        [{**MOVIE, "@reverse": {"itemReviewed": [REVIEW]}}],
        # In containers.
        [{**MOVIE, "review": {"@list": [REVIEW]}}],
        # The movie is inside its review, and the next review points to it.
        [
            {**REVIEW, "itemReviewed": {**MOVIE, "@id": "#film"}},
        ],
    ]
    for graph in graphs:
        [reviewed] = _extract({"@context": "https://schema.org", "@graph": graph}).movies
        assert reviewed.movie.movie_id == "tt0088763"
        assert [review.text for review in reviewed.reviews] == ["A joy from end to end."]


def test_a_movie_inside_one_review_that_another_points_to() -> None:
    [reviewed] = _extract(
        {**REVIEW, "itemReviewed": {**MOVIE, "@id": "#film"}},
        {**REVIEW, "url": "#r2", "reviewBody": "Dull.", "itemReviewed": {"@id": "#film"}},
    ).movies
    assert [review.text for review in reviewed.reviews] == ["A joy from end to end.", "Dull."]


def test_texts_in_several_languages() -> None:
    name = [
        {"@value": "Zurück in die Zukunft", "@language": "de"},
        {"@value": "Back to the Future", "@language": "en-GB"},
    ]
    body = [
        {"@value": "Une joie.", "@language": "fr"},
        {"@value": "A joy.", "@language": "en"},
    ]
    review = {key: value for key, value in REVIEW.items() if key != "inLanguage"}
    page = _page(json.dumps({**MOVIE, "name": name, "review": {**review, "reviewBody": body}}))
    [reviewed] = extract(page.replace(b"<html>", b'<html lang="en-US">'), URL, "site").movies
    assert reviewed.movie.title == "Back to the Future"
    assert (reviewed.reviews[0].text, reviewed.reviews[0].language) == ("A joy.", "en")
    [reviewed] = extract(page.replace(b"<html>", b'<html lang="de">'), URL, "site").movies
    assert reviewed.movie.title == "Zurück in die Zukunft"
    assert (reviewed.reviews[0].text, reviewed.reviews[0].language) == ("Une joie.", "fr")
    [reviewed] = extract(page, URL, "site").movies
    assert reviewed.movie.title == "Zurück in die Zukunft"


@pytest.mark.parametrize(
    ("changes", "language"),
    [
        ({"inLanguage": "fr"}, "fr"),
        ({"inLanguage": {"@type": "Language", "name": "French", "alternateName": "fr"}}, "fr"),
        ({"inLanguage": {"@type": "Language", "name": "French"}}, "French"),
        ({"inLanguage": ["pt-BR", "en"]}, "pt-BR"),
        ({"inLanguage": "fr", "reviewBody": {"@value": "x", "@language": "de"}}, "fr"),
        ({"@context": {"@language": "nl"}}, "nl"),
        ({"inLanguage": None, "reviewBody": "x"}, None),
    ],
)
def test_the_language_of_a_review(changes: dict[str, Any], language: str | None) -> None:
    review = {key: value for key, value in REVIEW.items() if key != "inLanguage"}
    [reviewed] = _extract({**MOVIE, "review": {**review, **changes}}).movies
    assert reviewed.reviews[0].language == language


@pytest.mark.parametrize(
    ("changes", "spoiler"),
    [
        ({}, None),
        ({"reviewBody": "This review contains spoilers. He dies."}, True),
        ({"reviewBody": "<b>*** SPOILER ALERT ***</b> He dies."}, True),
        ({"reviewBody": "[spoiler] He dies."}, True),
        ({"reviewBody": "Warning: major spoilers ahead!"}, True),
        ({"name": "(May contain spoilers) Fine"}, True),
        ({"reviewBody": "No spoilers here. Fine."}, None),
        ({"reviewBody": "Spoiler-free: fine."}, None),
        ({"reviewBody": "The trailer is full of spoilers."}, None),
        ({"containsSpoilers": True}, True),
        ({"isSpoiler": "false", "reviewBody": "Spoilers: he dies."}, False),
        ({"spoiler": "https://schema.org/True"}, True),
        ({"keywords": "long, spoiler"}, True),
        ({"keywords": ["spoiler-free"]}, None),
    ],
)
def test_spoilers(changes: dict[str, Any], spoiler: bool | None) -> None:
    [reviewed] = _extract({**MOVIE, "review": {**REVIEW, **changes}}).movies
    assert reviewed.reviews[0].spoiler is spoiler


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "Movie", "name": "Tom &amp; Jerry", "sameAs": "tt0088763",}',
        '{"@type": "Movie", "name": "Tom &amp; Jerry", /* id */ "sameAs": "tt0088763"}',
        '// ours\n{"@type": "Movie", "name": "Tom & Jerry",\n "sameAs": "tt0088763"}',
        '{"@type": "Movie", "name": "Tom &\nJerry", "sameAs": "tt0088763"}',
        '{"@type": "Movie", "name": "Tom &\tJerry", "sameAs": "tt0088763"}',
        escape('{"@type": "Movie", "name": "Tom &amp; Jerry", "sameAs": "tt0088763"}'),
        '[[{"@type": "Movie", "name": "Tom &#38; Jerry", "sameAs": "tt0088763"}]]',
    ],
)
def test_json_that_is_none(script: str) -> None:
    content = extract(_page(script), URL, "site")
    assert content.unread == []
    movie = to_movie(content.movies[0].movie)
    assert (movie.movie_id, movie.title) == ("tt0088763", "Tom & Jerry")


def test_half_a_surrogate_pair_stops_nothing() -> None:
    half = "x\ud83d"
    review = {"reviewBody": half, "url": f"#{half}", "identifier": half, "author": half}
    [reviewed] = _extract(
        {"@type": "Movie", "name": half, "url": f"/film/42/{half}", "review": [review]}
    ).movies
    message = to_review(reviewed.reviews[0], "site")
    assert (message.text, message.author, message.url) == ("x", "x", None)
    assert to_movie(reviewed.movie).title == "x"


def test_ids_as_property_values() -> None:
    identifier = {
        "@type": "PropertyValue",
        "propertyID": "IMDb",
        "name": "IMDb",
        "value": "tt0088763",
    }
    movie = {**MOVIE, "identifier": [identifier], "sameAs": None}
    review = {**REVIEW, "identifier": {"@type": "PropertyValue", "name": "no", "value": 17}}
    [reviewed] = _extract({**movie, "review": review}).movies
    assert reviewed.movie.movie_id == "tt0088763"
    assert reviewed.reviews[0].external_id == "tt0088763:17"


_MICRODATA = """
<div itemscope itemtype="https://schema.org/Movie">
  <h1 itemprop="name">Back to the <i>Future</i></h1>
  <div itemprop="review" itemscope itemtype="https://schema.org/Review">
    <span itemprop="author" itemscope itemtype="https://schema.org/Person">
      <b itemprop="name">Ada</b></span>
    <p itemprop="reviewBody">A <em>joy</em> from end to end.</p>
    <meta itemprop="inLanguage" content="en">
  </div>
  <div itemprop="review" itemscope itemtype="https://schema.org/Review">
    <p itemprop="reviewBody">Dull, and long.<br>Very long.</p>
    <span itemprop="reviewRating" itemscope itemtype="https://schema.org/Rating">
      <meta itemprop="ratingValue" content="2"><meta itemprop="bestRating" content="10"></span>
  </div>
</div>
"""


def test_microdata_alone() -> None:
    [reviewed] = extract(_MICRODATA.encode(), URL, "site").movies
    assert reviewed.movie.title == "Back to the Future"
    assert reviewed.movie.movie_id.startswith("site:")
    first, second = reviewed.reviews
    assert (first.text, first.author, first.language) == ("A joy from end to end.", "Ada", "en")
    assert (second.text, second.rating) == ("Dull, and long.\n\nVery long.", 2.0)


def test_a_review_in_both_syntaxes_is_one_review() -> None:
    body = _page(json.dumps({**MOVIE, "review": [{**REVIEW, "inLanguage": None}]}))
    [reviewed] = extract(body + _MICRODATA.encode(), URL, "site").movies
    assert reviewed.movie.movie_id == "tt0088763"  # as the JSON-LD says; the microdata knows no id
    first, second = reviewed.reviews
    assert (first.text, first.rating, first.url) == ("A joy from end to end.", 9.0, f"{URL}#r1")
    assert first.language == "en"  # which only the microdata says
    assert second.text == "Dull, and long.\n\nVery long."
    assert {first.movie_id, second.movie_id} == {"tt0088763"}


def test_two_viewers_who_wrote_the_same_stay_two() -> None:
    reviews = [
        {"@type": "Review", "reviewBody": "Great film!", "author": name} for name in ("Ada", "Bob")
    ]
    twice = "".join(
        '<div itemprop="review" itemscope itemtype="http://schema.org/Review">'
        f'<i itemprop="author">{name}</i><p itemprop="reviewBody">Great film!</p></div>'
        for name in ("Bob", "Ada", "Eve")
    )
    movie = f'<div itemscope itemtype="http://schema.org/Movie">{twice}</div>'
    [reviewed] = extract(
        _page(json.dumps({**MOVIE, "review": reviews})) + movie.encode(), URL, "site"
    ).movies
    assert [review.author for review in reviewed.reviews] == ["Ada", "Bob", "Eve"]


def test_the_longer_text_of_two_is_taken() -> None:
    long = "It begins on a ferry in the rain, and nobody who is on it knows why. Then it goes on."
    review = {"@type": "Review", "reviewBody": long[:60] + "…", "author": "Ada"}
    marked = (
        '<div itemscope itemtype="http://schema.org/Movie"><div itemprop="review" itemscope '
        f'itemtype="http://schema.org/Review"><p itemprop="reviewBody">{long}</p></div></div>'
    )
    body = _page(json.dumps({**MOVIE, "review": review})) + marked.encode()
    [reviewed] = extract(body, URL, "site").movies
    [only] = reviewed.reviews
    assert (only.text, only.author) == (long, "Ada")


def test_microdata_reviews_apart_belong_to_the_pages_one_movie() -> None:
    apart = (
        '<div itemscope itemtype="http://schema.org/Review"><p itemprop="reviewBody">A joy.</p>'
        "</div>"
    )
    [reviewed] = extract(_page(json.dumps(MOVIE)) + apart.encode(), URL, "site").movies
    assert [review.text for review in reviewed.reviews] == ["A joy."]
    movies = [MOVIE, {**MOVIE, "sameAs": "tt0000002", "name": "Other"}]
    content = extract(_page(json.dumps(movies)) + apart.encode(), URL, "site")
    assert [reviewed.reviews for reviewed in content.movies] == [[], []]


def test_a_page_of_too_dense_microdata_is_counted_and_its_json_ld_still_read() -> None:
    dense = "<div itemscope><span itemprop=a>" * 50 + "x" * 1_000_000
    body = _page(json.dumps({**MOVIE, "review": REVIEW})) + dense.encode()
    content = extract(body, URL, "site")
    assert [unread.kind for unread in content.unread] == ["page"]
    assert len(content.movies[0].reviews) == 1


@given(
    st.lists(
        st.sampled_from(
            [
                b"<div itemscope itemtype='http://schema.org/Movie'>", b"<div itemprop=review ",
                b"itemscope itemtype=http://schema.org/Review>", b"<p itemprop=reviewBody>",
                b'<script type="application/ld+json">', b"</script>", b'{"@type":"Movie",', b"]",
                b'"review":', b'{"@type":"Review","reviewBody":"x"}', b"}", b"</div>", b"\xff",
                b"<a itemprop=url href=//[>", b"itemref=a", b" id=a>", b'"@id":"#a"', b"<!--",
                b"<meta itemprop=ratingValue content=", b'"url":"//["',
                b',"@context":{"@language":3,"a":{"@id":[]}}',
            ]
        ) | st.binary(max_size=8),
        max_size=25,
    )
)  # fmt: skip
def test_no_page_whatever_raises(parts: list[bytes]) -> None:
    content = extract(b"".join(parts), URL, "site")
    for reviewed in content.movies:
        assert all(review.text for review in reviewed.reviews)


def test_an_empty_page() -> None:
    assert extract(b"", URL, "site").movies == []
    assert extract(b"<html></html>", URL, "site", encoding="no-such-encoding").movies == []


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        ("PT1H42M", 102), ("PT90M", 90), ("P0DT2H", 120), ("PT1H59M40S", 120), ("102 min", 102),
        ("95 minutes", 95), ("", None), ("PT0M", None), ("long", None), ("PT", None),
        ({"@type": "Duration", "name": "PT2H"}, 120), (["soon", "PT80M"], 80), (90, 90),
    ],
)  # fmt: skip
def test_running_times(duration: Any, minutes: int | None) -> None:
    [reviewed] = _extract({**MOVIE, "duration": duration}).movies
    assert reviewed.movie.runtime_minutes == minutes


def test_facts_that_are_not_there_are_unknown() -> None:
    [reviewed] = _extract(MOVIE).movies
    movie = reviewed.movie
    assert (movie.original_title, movie.runtime_minutes, movie.votes, movie.poster_url) == (
        None,
    ) * 4
    assert movie.people == movie.countries == movie.languages == movie.keywords == ()


@pytest.mark.parametrize(
    ("image", "poster"),
    [
        ("https://films.example/p.jpg", "https://films.example/p.jpg"),
        ("/p.jpg", "https://films.example/p.jpg"),
        ({"@type": "ImageObject", "url": "p.jpg"}, "https://films.example/film/p.jpg"),
        (
            [{"@type": "ImageObject", "contentUrl": "/a.jpg"}, "/b.jpg"],
            "https://films.example/a.jpg",
        ),
        ({"@type": "ImageObject"}, None),
    ],
)
def test_posters(image: Any, poster: str | None) -> None:
    [reviewed] = _extract({**MOVIE, "image": image}).movies
    assert reviewed.movie.poster_url == poster


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["@value", "name", "url", "@id", "@list", "ratingCount"]), inner
            )
        ),
    )
)
def test_no_fact_whatever_its_value_loses_the_movie(value: Any) -> None:
    names = (
        "duration",
        "image",
        "actor",
        "countryOfOrigin",
        "inLanguage",
        "keywords",
        "aggregateRating",
    )
    [reviewed] = _extract({**MOVIE, **dict.fromkeys(names, value)}).movies
    assert to_movie(reviewed.movie).title == "Back to the Future"
