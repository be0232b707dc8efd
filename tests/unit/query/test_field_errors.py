"""Validation errors: unknown names are pointed out, and no input is echoed."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.query.api.requests import BatchRequest, SearchParameters, SearchRequest
from services.query.http.field_errors import MAX_ERRORS, field_errors


def errors_of(
    model: type[BaseModel], body: Any, part_of_request: str = "body"
) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(body)
    located = [
        {**error, "loc": (part_of_request, *error["loc"])} for error in raised.value.errors()
    ]
    return [(error.field, error.message) for error in field_errors(located, model)]


@pytest.mark.parametrize(
    ("body", "field", "close"),
    [
        ({"filter": {}}, "filter", "filters"),
        ({"querry": "a"}, "querry", "query"),
        ({"Query": "a"}, "Query", "query"),
        ({"K": 3}, "K", "k"),
        ({"filters": {"genre": {}}}, "filters.genre", "genres"),
        ({"filters": {"year": {"gt": 1990}}}, "filters.year.gt", "gte"),
    ],
)
def test_an_unknown_field_like_a_known_one_is_named(
    body: dict[str, Any], field: str, close: str
) -> None:
    message = f"Unknown field. Did you mean '{close}'?"
    search = {"query": "a", **body}
    assert errors_of(SearchRequest, search) == [(field, message)]
    batch = {"searches": [{"query": "a"}, search]}
    assert errors_of(BatchRequest, batch) == [(f"searches.1.{field}", message)]


def test_another_unknown_field_is_not_echoed() -> None:
    for name in ("zxqsecretzxq", "filters<script>", "filter" * 50, ""):
        [(field, message)] = errors_of(SearchRequest, {"query": "a", name: 1})
        assert field == ""
        assert message.startswith("Unknown field. Known names: query, k, offset, avoid,")
        [(field, message)] = errors_of(SearchRequest, {"query": "a", "filters": {name: 1}})
        assert field == "filters"
        assert message.startswith("Unknown field. Known names: year, genres, rating, directors,")


def test_an_unknown_query_parameter_is_called_that() -> None:
    assert errors_of(SearchParameters, {"q": "a", "modes": "hybrid"}, "query") == [
        ("modes", "Unknown query parameter. Did you mean 'mode'?")
    ]
    [(field, message)] = errors_of(SearchParameters, {"q": "a", "sort": "year"}, "query")
    assert field == ""
    assert message.startswith("Unknown query parameter. Known names: q, k, offset, mode, evidence,")


def test_a_field_with_an_alias_is_known_by_it() -> None:
    class Correction(BaseModel):
        model_config = ConfigDict(extra="forbid")
        before: Annotated[str, Field(alias="from")] = ""

    assert errors_of(Correction, {"form": "a"}) == [("form", "Unknown field. Did you mean 'from'?")]


def test_the_number_of_errors_is_bounded() -> None:
    body = {"query": "a", **{f"unknown{n}": n for n in range(2000)}}
    assert len(errors_of(SearchRequest, body)) == MAX_ERRORS
