"""Only the text between markers is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.figures import targets
from tests.benchmarks.figures.document import MarkerMissing, places, written
from tests.benchmarks.figures.plan import ROOT
from tests.benchmarks.figures.report import write_document
from tests.benchmarks.figures.tables import Table

DOCUMENT = """# Title

<!-- bench:one -->
old
<!-- /bench:one -->

Between.

<!-- bench:two -->
stays
<!-- /bench:two -->
"""


def test_a_place_is_rewritten_and_other_text_stays() -> None:
    text = written(DOCUMENT, {"one": r"new \1 | 5"})
    assert "old" not in text
    assert r"new \1 | 5" in text
    assert "Between." in text
    assert "stays" in text
    assert places(text) == ["one", "two"]


def test_writing_again_changes_nothing() -> None:
    once = written(DOCUMENT, {"one": "new"})
    assert written(once, {"one": "new"}) == once


@pytest.mark.parametrize("document", ["", DOCUMENT + DOCUMENT, "<!-- bench:one -->\nno end"])
def test_a_text_without_its_one_place_is_refused(document: str) -> None:
    with pytest.raises(MarkerMissing):
        written(document, {"one": "new"})


def test_tables_and_drawings_go_into_a_document(tmp_path: Path) -> None:
    document = tmp_path / "speed.md"
    document.write_text(DOCUMENT + "<!-- bench:growth-chart -->\n<!-- /bench:growth-chart -->\n")
    table = Table("one", "One", ("a", "b"), [["x|y", "1"]], ["A remark."])
    homeless = Table("three", "Three", ("a",), [])
    write_document(document, [table, homeless], {"growth": "<svg/>"})
    text = document.read_text()
    assert "| x\\|y | 1 |" in text
    assert "A remark." in text
    assert "(speed-growth.svg)" in text
    assert (tmp_path / "speed-growth.svg").read_text() == "<svg/>"


def test_the_document_has_a_place_for_every_table() -> None:
    known = {
        "targets", "machine", "http", "open", "processes", "parts", "bulk", "scale", "overload",
        "fairness", "popular", "reload",
        "pipeline", "pipeline-processes", "growth", "growth-chart",
    }  # fmt: skip
    assert set(places((ROOT / "docs" / "performance.md").read_text())) == known


def test_every_target_has_a_row_and_a_verdict() -> None:
    table = targets.table({})
    assert len(table.rows) == len(targets.TARGETS)
    assert {row[-1] for row in table.rows} == {"not run"}
