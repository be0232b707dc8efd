"""The documentation names metrics that the code defines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"\bmovie_search_[a-z_]*[a-z]\b(?![_*])")
OTHER_PREFIX = re.compile(r"\b(?:ingest|embedder|stream)_[a-z_]+_(?:total|seconds|bytes)\b")
DEFINED = re.compile(r"(?:Counter|Gauge|Histogram)\(\s*\"([a-z_]+)\"")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def defined() -> set[str]:
    return {
        name
        for folder in ("services", "shared")
        for file in (ROOT / folder).rglob("*.py")
        if "node_modules" not in file.parts
        for name in DEFINED.findall(file.read_text())
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_metrics_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    assert set(NAMED.findall(text)) - defined() == set()
    assert set(OTHER_PREFIX.findall(text)) == set()


def test_operations_has_alerts_on_metrics() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    alerts = text.partition("## Alerts")[2].partition("\n## ")[0]
    assert len(set(NAMED.findall(alerts))) > 8


def test_every_metric_has_the_prefix() -> None:
    names = defined()
    assert len(names) > 20
    assert [name for name in names if not name.startswith("movie_search_")] == []
