"""Pages and files with many parts that refer to each other are read in proportion to their size."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.ingest.pages.datasets.csv_lines import MAX_ROW_LINES, CsvLines
from services.ingest.pages.schema_org.extraction import extract
from services.ingest.sources.toml_lines import key_lines
from tests.support.hostile_texts import is_within

PARTS = 4000
CPU_S = 4.0
SAME = "All of these reviews begin with the same forty letters, and then go on: "


def _json_ld(data: Any) -> bytes:
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'.encode()


def _review(number: int, **fields: Any) -> dict[str, Any]:
    return {"@type": "Review", "reviewBody": f"the text of review {number}", **fields}


def _movie(**fields: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "Movie", "name": "M", **fields}


def one_id_for_all_reviews(n: int) -> bytes:
    return _json_ld(_movie(review=[_review(i, **{"@id": "#review"}) for i in range(n)]))


def one_movie_in_many_nodes(n: int) -> bytes:
    return _json_ld([_movie(**{"@id": "#m"}, review=_review(i), actor=f"A{i}") for i in range(n)])


def all_reviews_refer_to_a_large_movie(n: int) -> bytes:
    names = [f"n{i}" for i in range(n)]
    movie = _movie(**{"@id": "#m", "@type": ["Movie", *names]}, actor=names, sameAs=names)
    return _json_ld([movie, *(_review(i, itemReviewed={"@id": "#m"}) for i in range(n))])


def movies_of_one_title_in_two_syntaxes(n: int) -> bytes:
    microdata = "".join(
        f'<div itemscope itemtype="https://schema.org/Movie"><a itemprop="url" href="/b{i}">x</a>'
        '<b itemprop="name">M</b></div>'
        for i in range(n)
    )
    return _json_ld([_movie(url=f"/a{i}") for i in range(n)]) + microdata.encode()


def reviews_that_begin_alike_in_two_syntaxes(n: int) -> bytes:
    microdata = "".join(
        '<div itemprop="review" itemscope itemtype="https://schema.org/Review">'
        f'<p itemprop="reviewBody">{SAME}{i}x</p><b itemprop="author">b{i}</b></div>'
        for i in range(n)
    )
    reviews = [_review(i, reviewBody=f"{SAME}{i}", author=f"a{i}") for i in range(n)]
    scope = '<div itemscope itemtype="https://schema.org/Movie"><b itemprop="name">M</b>'
    return _json_ld(_movie(review=reviews)) + f"{scope}{microdata}</div>".encode()


def a_context_in_every_node(n: int) -> bytes:
    terms = {f"t{i}": f"https://schema.org/t{i}" for i in range(n)}
    reviews = [_review(i, **{"@context": {"a": "b"}}) for i in range(n)]
    return _json_ld({**_movie(review=reviews), "@context": terms})


def values_that_cannot_be_read(n: int) -> bytes:
    return _json_ld(_movie(review=[_review(i, datePublished=f"day {i}") for i in range(n)]))


def a_large_attribute_that_all_refer_to(n: int) -> bytes:
    names = "x " * n
    part = f'<p id="a" itemprop="name" class="{names}">n</p>'
    links = f'<div itemscope><a itemprop="{names}" href="{"/y" * n}">t</a></div>'
    scopes = '<div itemscope itemtype="https://schema.org/Movie" itemref="a"></div>' * n
    return (part + links + scopes).encode()


@pytest.mark.parametrize(
    "page",
    [
        one_id_for_all_reviews,
        one_movie_in_many_nodes,
        all_reviews_refer_to_a_large_movie,
        movies_of_one_title_in_two_syntaxes,
        reviews_that_begin_alike_in_two_syntaxes,
        a_context_in_every_node,
        values_that_cannot_be_read,
        a_large_attribute_that_all_refer_to,
    ],
)
def test_a_page_of_many_parts_is_read_in_time(page: Callable[[int], bytes]) -> None:
    body = page(PARTS)
    assert is_within(CPU_S, lambda _: extract(body, "https://movies.example/m", "s"), "")


def test_rows_that_swallow_the_lines_after_them_are_read_in_time() -> None:
    """Every line closes the quotation mark of the one before and opens another."""
    lines = CsvLines(io.StringIO('a","b\n' * 20 * MAX_ROW_LINES), 10_000_000)

    def read(_: str) -> None:
        for row in lines.rows({}):
            if row.problem is not None:
                lines.go_back()

    assert is_within(2.0, read, "")
    assert lines.number == 20 * MAX_ROW_LINES


def test_the_lines_of_many_keys_are_found_in_time() -> None:
    text = "".join(f"a{i} = 1\n" for i in range(10 * PARTS))
    assert is_within(1.0, key_lines, text)
    assert key_lines(text)["a1234",] == 1235
