"""Whatever stands in a file: each of its rows is read, or counted as unread."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.unread import Unread
from tests.support.ingest.dataset_reading import FileReading

_IDS = st.sampled_from(["1", "tt0055501", "", "\\N", "a b"])
_TEXTS = st.text("abé ,;\"'|\\", min_size=1, max_size=12)
_ROWS = st.lists(st.tuples(_IDS, _TEXTS, st.sampled_from(["3", "11", "x", ""])), max_size=12)
_HEADINGS = ("movie_id", "text", "rating")


@given(rows=_ROWS, form=st.sampled_from(["csv", "tsv", "jsonl", "json"]))
def test_read_and_unread_are_all_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], form: str
) -> None:
    rows = [("7", "first", "1"), *rows]
    path = tmp_path_factory.mktemp("rows") / f"a.{form}"
    _write(path, rows, form)
    unread: list[Unread] = []
    read = list(FileReading(note=unread.append).dataset(reviews=path).reviews())
    lost = [one for one in unread if one.kind == "row"]
    assert len(read) + len(lost) == len(rows)
    assert all(one.where.startswith(str(path)) and one.why for one in unread)


def _write(path: Path, rows: list[tuple[str, str, str]], form: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if form in {"csv", "tsv"}:
            writer = csv.writer(file, delimiter="\t" if form == "tsv" else ",")
            writer.writerows([_HEADINGS, *rows])
            return
        documents = [dict(zip(_HEADINGS, row, strict=True)) for row in rows]
        if form == "json":
            json.dump(documents, file)
        else:
            file.writelines(json.dumps(document) + "\n" for document in documents)


def test_a_row_without_what_is_required_is_none(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    rows = [("7", "Salt.", "3"), ("7", "", "4"), ("7", "\\N", "5"), ("", "Fog.", "1")]
    _write(path, rows, "csv")
    for required, kept, lost in (((), 1, 3), (("text",), 1, 1)):
        unread: list[Unread] = []
        options = {"path": path, "required": required}
        dataset = FileReading(note=unread.append).dataset(reviews=options)
        reviews = [one.review for one in dataset.reviews()]
        assert sum(bool(review.text) for review in reviews) == kept
        missing = sum(not review.text for review in reviews)
        assert missing + sum(one.kind == "row" for one in unread) == lost
