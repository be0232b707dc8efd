"""Decision records: each has all its parts, and the index lists each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
SECTIONS = ["Context", "Decision", "Alternatives considered", "Consequences", "Enforced by"]
STATUSES = {"accepted", "superseded", "proposed"}


def title(text: str) -> tuple[int, str]:
    match = re.match(r"# (\d+)\. (.+)\n", text)
    assert match is not None
    return int(match[1]), match[2]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_all_its_parts(record: Path) -> None:
    text = record.read_text()
    assert title(text)[0] == int(record.name[:4])
    status = re.search(r"^- Status: (\w+)", text, re.MULTILINE)
    assert status is not None
    assert status[1] in STATUSES
    assert re.search(r"^- Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert len(part.strip()) > 20


def test_the_index_lists_every_record() -> None:
    rows = re.findall(
        r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| (\w+)[^|]*\| (.+) \|$",
        (FOLDER / "README.md").read_text(),
        re.MULTILINE,
    )
    assert [file for _, file, *_ in rows] == [record.name for record in RECORDS]
    for number, file, name, status, line in rows:
        text = (FOLDER / file).read_text()
        assert title(text) == (int(number), name)
        assert f"- Status: {status}" in text
        assert len(line) > 20
