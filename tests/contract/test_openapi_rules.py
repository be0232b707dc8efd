"""The rules of OpenAPI linters that matter to other people's tools, checked without Node.

The document was also clean under spectral's ``oas`` rules and redocly's recommended ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from openapi_spec_validator import validate

from services.query.access.admission import is_limited
from services.query.app import create_app
from services.query.settings import QuerySettings

PROMISED = (
    "post /search", "get /search", "post /search/batch", "get /movies/{movie_id}",
    "get /movies/{movie_id}/similar", "get /movies", "get /suggest", "get /facets", "get /map",
    "get /snapshot", "post /admin/ingest", "get /admin/ingest", "get /admin/ingest/{run_id}",
    "delete /admin/ingest/{run_id}", "get /admin/snapshots",
    "post /admin/snapshots/{snapshot_id}/activate", "get /admin/dead-letters",
    "post /admin/dead-letters/replay", "get /livez", "get /readyz", "get /metrics",
)  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    document: dict[str, Any] = create_app(QuerySettings()).openapi()
    return document


def nodes(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield place, value
        for name, inside in value.items():
            if name not in {"example", "examples", "default"}:
                yield from nodes(inside, f"{place}/{name}")
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from nodes(inside, f"{place}/{number}")


def are_ambiguous(one: str, other: str) -> bool:
    """Whether a URL can be both, and neither is more exact than the other."""
    pairs = list(zip(one.split("/"), other.split("/"), strict=False))
    if one.count("/") != other.count("/"):
        return False
    if any(a != b and "{" not in a and "{" not in b for a, b in pairs):
        return False
    freer = any("{" in a and "{" not in b for a, b in pairs)
    stricter = any("{" in b and "{" not in a for a, b in pairs)
    return freer == stricter


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_no_two_paths_are_ambiguous(document: dict[str, Any]) -> None:
    assert are_ambiguous("/a/{id}/activate", "/a/activations/{id}")
    assert are_ambiguous("/a/{id}", "/a/{name}")
    assert not are_ambiguous("/a/{id}", "/a/replay")
    ambiguous = [pair for pair in combinations(document["paths"], 2) if are_ambiguous(*pair)]
    assert ambiguous == []


def test_every_operation_says_what_it_needs(document: dict[str, Any]) -> None:
    assert document["servers"]
    assert document["info"]["license"]
    assert document["info"]["contact"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            assert operation["security"] == ([{"AdminToken": []}] if "/admin" in path else []), (
                place
            )
            if is_limited(path):
                assert {"401", "429"} <= set(operation["responses"]), place
                assert ("304" in operation["responses"]) == (method == "get"), place
            named = set(re.findall(r"{(\w+)}", path))
            parameters = operation.get("parameters", [])
            assert {each["name"] for each in parameters if each["in"] == "path"} == named, place
            for each in parameters:
                assert (
                    each.get("description")
                    or each["schema"].get("description")
                    or (each["in"] == "query")
                ), (place, each["name"])


def test_every_schema_can_be_read_by_generators(document: dict[str, Any]) -> None:
    for place, node in nodes(document["components"]["schemas"]):
        if node.get("type") == "array":
            assert "items" in node, place
        if "$ref" in node:
            assert node["$ref"].split("/")[-1] in document["components"]["schemas"], place
    assert "nullable" not in str(document["components"]["schemas"])


def test_what_was_promised_is_there(document: dict[str, Any]) -> None:
    """The policy of docs/public-api.md: the API only grows."""
    present = {f"{m} {path}" for path, methods in document["paths"].items() for m in methods}
    assert set(PROMISED) <= present
    hit = document["components"]["schemas"]["Hit"]["properties"]
    assert {"rank", "score", "fit", "movie", "evidence"} <= set(hit)
