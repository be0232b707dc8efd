"""docs/operations.md names metrics that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"\b(?:ingest|embedder|stream|movie_search)_[a-z_]+\b")
MADE = re.compile(r"(?:Counter|Gauge|Histogram)\(\s*\"([a-z_]+)\"")


def test_the_metrics_to_be_woken_up_by_exist() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition("## Is it well?")[2].partition("\n## ")[0]
    named = set(NAMED.findall(section))
    made = {
        name
        for folder in ("services", "shared")
        for file in (ROOT / folder).rglob("*.py")
        for name in MADE.findall(file.read_text())
    }
    assert len(named) > 8
    assert named <= made
