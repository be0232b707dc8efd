"""HTML microdata, compared with extruct's reading of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from extruct.w3cmicrodata import MicrodataExtractor
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.html_tree import parse_page
from services.ingest.pages.schema_org.microdata import MAX_STEPS, MicrodataTooDense, read_microdata

URL = "https://films.example/film/42"


def _read(html: str) -> list[dict[str, Any]]:
    tree = parse_page(f"<html><body>{html}</body></html>".encode())
    assert tree is not None
    return read_microdata(tree, URL)


def test_every_kind_of_value() -> None:
    [node] = _read("""
        <article itemscope itemid="#m"
          itemtype="https://schema.org/Movie https://schema.org/Product">
        <h1 itemprop="name headline">Un<b>believ</b>able   film</h1>
        <meta itemprop="datePublished" content="1985-07-03">
        <time itemprop="dateCreated" datetime="1985">last year</time>
        <time itemprop="dateModified">today</time>
        <a itemprop="url" href="/film/42">here</a>
        <link itemprop="sameAs" href="https://www.imdb.com/title/tt0088763/">
        <a itemprop="genre" href="/genre/comedy">Comedy</a><a itemprop="genre" href="/g/w">War</a>
        <img itemprop="image" src="poster.jpg">
        <data itemprop="sku" value="17">seventeen</data>
        <object itemprop="trailer" data="/t.mp4"></object>
        <span itemprop="award" content="best goat">shown otherwise</span>
        <div itemprop="description"><p>One.</p><p>Two.<br>Three.</p><script>no</script></div>
        <div itemprop="director" itemscope itemtype="https://schema.org/Person">
          <span itemprop="name">Ada</span></div>
        <div itemprop="director" itemscope>Bob <i>B.</i></div>
        <p>not marked</p>
        </article>
    """)
    assert node == {
        "@type": ["https://schema.org/Movie", "https://schema.org/Product"],
        "@id": "#m",
        "name": "Unbelievable   film",
        "headline": "Unbelievable   film",
        "datePublished": "1985-07-03",
        "dateCreated": "1985",
        "dateModified": "today",
        "url": "https://films.example/film/42",
        "sameAs": "https://www.imdb.com/title/tt0088763/",
        "genre": ["Comedy", "War"],
        "image": "https://films.example/film/poster.jpg",
        "sku": "17",
        "trailer": "https://films.example/t.mp4",
        "award": "best goat",
        "description": "One.\n\n\n\nTwo.\n\nThree.",
        "director": [{"@type": "https://schema.org/Person", "name": "Ada"}, {"name": "Bob B."}],
    }


def test_items_elsewhere_on_the_page() -> None:
    nodes = _read("""
        <div itemscope itemtype="http://schema.org/Movie" itemref="more gone"></div>
        <ul id="more"><li itemprop="name">One</li><li itemprop="review" itemscope
          itemtype="http://schema.org/Review" itemref="text"></li></ul>
        <p id="text" itemprop="reviewBody">A joy.</p>
    """)
    review = {"@type": "http://schema.org/Review", "reviewBody": "A joy."}
    assert nodes == [{"@type": "http://schema.org/Movie", "name": "One", "review": review}]


def test_references_in_a_circle() -> None:
    nodes = _read("""
        <div itemscope itemtype="a:Movie" itemref="b"></div>
        <div id="b" itemscope itemprop="review" itemref="c"><i itemprop="name">b</i></div>
        <div id="c" itemscope itemprop="about" itemref="b"><i itemprop="name">c</i></div>
    """)
    assert nodes == [
        {"@type": "a:Movie", "review": {"name": "b", "about": {"name": "c"}}},
    ]


def test_languages_are_those_around_a_text() -> None:
    [node] = _read("""
        <div lang="fr"><div itemscope itemtype="a:Review"><p itemprop="reviewBody">Oui.</p>
        <p itemprop="name" lang="de">Ja</p><p itemprop="author" lang="">Ada</p>
        <time itemprop="date" datetime="2020">x</time></div></div>
    """)
    assert node["reviewBody"] == {"@value": "Oui.", "@language": "fr"}
    assert node["name"] == {"@value": "Ja", "@language": "de"}
    assert node["author"] == "Ada"
    assert node["date"] == "2020"


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("spoiler", True),
        ("review has-spoilers", True),
        ("Spoiler-Warning", True),
        ("spoiler-free", False),
        ("no-spoilerish", False),
        ("review", False),
    ],
)
def test_a_class_that_marks_a_spoiler(name: str, marked: bool) -> None:
    [on_it] = _read(f'<div itemscope class="{name}"><p itemprop="reviewBody">x</p></div>')
    [within] = _read(
        f'<div itemscope><p itemprop="reviewBody">x</p><span class="{name}">!</span></div>'
    )
    assert on_it.get("spoiler", False) is marked
    assert within.get("spoiler", False) is marked


_SCOPES = ("div", "span", "p")
_TAGS = (*_SCOPES, "meta", "a", "time", "img", "data")
_element = st.recursive(
    st.sampled_from(["x", "two words", ""]),
    lambda inner: st.builds(
        lambda tag, scope, prop, content, within: (
            f"<{tag}"
            f"{' itemscope itemtype=http://schema.org/Thing' if scope and tag in _SCOPES else ''}"
            f"{f' itemprop={prop}' if prop else ''} value={content} datetime={content} "
            f"href=/{content} src=/{content}{f' content={content}' if tag == 'meta' else ''}>"
            + ("" if tag in {"meta", "img"} else "".join(within) + f"</{tag}>")
        ),
        st.sampled_from(_TAGS),
        st.booleans(),
        st.sampled_from(["", "alpha", "beta", "alpha beta"]),
        st.sampled_from(["v", "w"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=20,
)


@given(st.lists(_element, max_size=4))
def test_the_same_items_as_extruct(parts: list[str]) -> None:
    html = f"<html><body>{''.join(parts)}</body></html>"
    tree, other = parse_page(html.encode()), parse_page(html.encode())
    assert tree is not None
    theirs = MicrodataExtractor().extract_items(other, URL)
    ours = list(map(_unspaced, read_microdata(tree, URL)))
    assert len(ours) == len(tree.xpath("//*[@itemscope and not(@itemprop)]"))
    # extruct also lists, as if they were outermost, properties that belong to nothing.
    listed = iter([_unspaced(_as_ours(item)) for item in theirs])
    assert all(node in listed for node in ours), (ours, list(map(_as_ours, theirs)))


def test_a_bare_node_is_a_name_but_one_with_an_empty_property_is_not() -> None:
    assert _read("<div itemscope>Ada</div>") == [{"name": "Ada"}]
    assert _read("<div itemscope>x<p itemprop=name></p></div>") == [{}]


def _unspaced(value: Any) -> Any:
    """Without white space: it is where the two mean to differ."""
    if isinstance(value, dict):
        return {name: _unspaced(part) for name, part in value.items()}
    if isinstance(value, list):
        return list(map(_unspaced, value))
    return "".join(value.split()) if isinstance(value, str) else value


def _as_ours(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    node: dict[str, Any] = {}
    if "type" in item:
        node["@type"] = item["type"]
    for name, value in item.get("properties", {}).items():
        values = [_as_ours(part) for part in (value if isinstance(value, list) else [value])]
        values = [part for part in values if part is not None and part != ""]
        if values:
            node[name] = values if len(values) > 1 else values[0]
    if item.get("value"):
        node["name"] = item["value"]
    return node


def _hostile() -> list[str]:
    review = "<div itemprop=review itemscope itemtype=http://schema.org/Review>"
    return [
        "<div itemscope>" + "<p itemprop=a>x</p>" * 250_000,
        "<div itemscope>" + f"{review}<p itemprop=reviewBody>x<i>y</i></div>" * 50_000,
        "<div itemscope>" + "<span itemprop=a>" * 200 + "x" * 4_000_000,
        "".join(f"<div itemscope itemprop=a id=i{n} itemref=i{n + 1}></div>" for n in range(20_000))
        + "<div itemscope itemref=i0></div>",
        "".join("<div itemscope itemref=big>x</div>" for _ in range(2_000))
        + "<div id=big>" + "<p itemprop=a>x</p>" * 2_000 + "</div>",
        "".join(
            f"<div id=i{n}><div itemscope itemprop=a itemref=i{n + 1}></div>"
            f"<div itemscope itemprop=a itemref=i{n + 1}></div></div>"
            for n in range(60)
        )
        + "<div itemscope itemref=i0></div>",
    ]  # fmt: skip


@pytest.mark.parametrize("html", _hostile(), ids=range(len(_hostile())))
def test_hostile_pages_take_bounded_work(html: str) -> None:
    assert len(html) < 5 * 2**20
    tree = parse_page(html.encode())
    assert tree is not None
    began = time.process_time()
    with pytest.raises(MicrodataTooDense):
        read_microdata(tree, URL)
    assert time.process_time() - began < 20  # seconds, on a busy machine; unbounded, it is minutes


def test_an_honest_page_is_far_from_the_bound() -> None:
    review = (
        '<div itemprop="review" itemscope itemtype="http://schema.org/Review">'
        + "<span itemprop=author>Ada</span>" * 8
        + f"<p itemprop=reviewBody>{'word ' * 400}</p></div>"
    )
    html = f'<div itemscope itemtype="http://schema.org/Movie">{review * 250}</div>'
    [node] = _read(html)
    assert len(node["review"]) == 250
    assert len(html) * 10 > MAX_STEPS  # a big page all the same
