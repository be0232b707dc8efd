"""The page's typed client matches the API: after a change of the API, run `make client`."""

from __future__ import annotations

from pathlib import Path

import orjson

from services.query.client_files import DOCUMENT, SCHEMA, describe, generate


def test_the_document_is_current() -> None:
    assert orjson.loads(DOCUMENT.read_bytes()) == orjson.loads(describe())


def test_the_types_are_current(tmp_path: Path) -> None:
    schema = tmp_path / "schema.d.ts"
    generate(DOCUMENT, schema)
    assert SCHEMA.read_text() == schema.read_text()


def test_a_change_of_the_document_changes_the_types(tmp_path: Path) -> None:
    document, schema = tmp_path / "openapi.json", tmp_path / "schema.d.ts"
    document.write_bytes(DOCUMENT.read_bytes().replace(b'"review_count"', b'"count_of_reviews"'))
    generate(document, schema)
    assert "count_of_reviews" in schema.read_text()
    assert SCHEMA.read_text() != schema.read_text()
