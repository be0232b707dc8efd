"""docs/sources.md says what the code does: every field, its default, and examples that load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.ingest.pages.datasets.dataset_items import MOVIE_COLUMNS, REVIEW_COLUMNS
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import (
    DatasetSource,
    ImdbSource,
    SchemaOrgSource,
    Target,
    TmdbSource,
    load_sources,
)

DOCUMENT = Path(__file__).parents[4] / "docs" / "sources.md"
MODELS = (SchemaOrgSource, ImdbSource, TmdbSource, DatasetSource)


def _rows() -> dict[str, list[str]]:
    """The cells of every table's rows, by the field that the first one names."""
    rows: dict[str, list[str]] = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            rows.setdefault(cells[0].strip("`"), cells[1:])
    return rows


def _fields() -> dict[str, FieldInfo]:
    return {
        field.alias or name: field
        for model in MODELS
        for name, field in model.model_fields.items()
        if name != "name"
    }


def _as_toml(value: Any) -> str:
    if value is PydanticUndefined or value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_every_field_is_documented_with_its_default() -> None:
    rows = _rows()
    for name, field in _fields().items():
        assert name in rows, f"docs/sources.md lacks {name}"
        default, _, says = rows[name]
        assert default == _as_toml(field.default), f"docs/sources.md: the default of {name}"
        if name != "spider":
            assert says == field.description, f"docs/sources.md describes {name} otherwise"


def test_limits_are_documented() -> None:
    rows = _rows()
    checked = 0
    for name, field in _fields().items():
        for bound in field.metadata:
            for limit in (getattr(bound, "ge", None), getattr(bound, "le", None)):
                if limit is not None:
                    said = rows[name][1].replace("2^50", f"{2**50:,}")
                    assert f"{limit:,}" in said, f"docs/sources.md: the limits of {name}"
                    checked += 1
    assert checked >= 14


def test_the_document_names_no_field_that_is_gone() -> None:
    assert set(_rows()) <= set(_fields()) | set(get_args(Target))


def test_every_column_is_documented() -> None:
    text = DOCUMENT.read_text()
    table = text.partition("| field | of movies |")[2].partition("\n\n")[0]
    for field in get_args(Target):
        [row] = [line for line in table.splitlines() if line.startswith(f"| `{field}` |")]
        _, _, of_movies, of_reviews, columns, _ = row.split("|")
        assert bool(of_movies.strip()) == (field in MOVIE_COLUMNS)
        assert bool(of_reviews.strip()) == (field in REVIEW_COLUMNS)
        known = {*MOVIE_COLUMNS.get(field, ()), *REVIEW_COLUMNS.get(field, ())}
        assert all(f"`{name}`" in columns for name in known), f"docs/sources.md: {field}"


@pytest.mark.parametrize(
    "example", re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
)
def test_the_examples_load(example: str, tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(example)
    names = re.findall(r"^\[sources\.(\w+)\]", example, re.MULTILINE)
    assert names
    assert set(load_sources(IngestSettings(sources=file))) == {*names, "demo"}


def test_there_is_an_example_of_each_spider() -> None:
    text = DOCUMENT.read_text()
    for model in MODELS:
        [spider] = get_args(model.model_fields["spider"].annotation)
        assert f'spider = "{spider}"' in text
