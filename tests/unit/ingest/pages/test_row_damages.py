"""Whatever rows of a file are damaged, and how: the others are read; read + unread are all rows.

The file is read as a crawl reads it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.datasets.dataset_items import Dataset
from services.ingest.pages.items import ReviewItem
from services.ingest.pages.unread import Unread
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.dataset import items_of

Damage = Callable[[bytes], bytes]


def _cut(share: float) -> Damage:
    # Cut to nothing, a row would be an empty line, and not a row.
    return lambda row: row[: max(1, min(len(row) - 1, int(len(row) * share)))]


def _insert(share: float, what: bytes) -> Damage:
    def damaged(row: bytes) -> bytes:
        at = int(len(row) * share)
        return row[:at] + what + row[at:]

    return damaged


def _instead(what: bytes) -> Damage:
    return lambda _: what


_shares = st.floats(0, 1, exclude_max=True)
_intruders = st.sampled_from([b'"', b"\x00", b"\xff\xfe", b"}", b"\\", b"{", b"\n"])
_strangers = st.sampled_from([b"[]", b"null", b"7", b'"text"', b"{}", b"NaN", b"{{", b"<html>"])
_damages: st.SearchStrategy[Damage] = st.one_of(
    st.builds(_cut, _shares),
    st.builds(_insert, _shares, _intruders),
    st.builds(_instead, _strangers),
)


def _row(number: int, text: str) -> bytes:
    fields = {"movie_id": "m1", "review_id": f"r{number}", "text": f"{number}: {text}", "rating": 7}
    return json.dumps(fields, ensure_ascii=False).encode()


@given(
    st.lists(
        st.tuples(st.text("ab é,.", max_size=10), st.none() | _damages), min_size=1, max_size=8
    )
)
def test_damaged_rows_cost_only_themselves(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, Damage | None]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    # A sound row first: a file of which nothing can be read, or nothing as UTF-8, is refused.
    lines = [_row(0, "sound, with é")]
    sound = {"0"}
    for number, (text, damage) in enumerate(rows, 1):
        row = _row(number, text)
        lines.append(row if damage is None else damage(row))
        if damage is None:
            sound.add(str(number))
    content = b"\n".join(lines)
    read, unread = _read(folder, content)
    texts = [item.text.partition(":")[0] for item in read]
    assert sound <= set(texts)
    number_of_rows = sum(bool(line.strip()) for line in content.split(b"\n"))
    assert len(read) + len(unread) == number_of_rows


def _read(folder: Path, reviews: bytes) -> tuple[list[ReviewItem], list[Unread]]:
    """The reviews of a file, and the rows that are unread."""
    (folder / "movies.jsonl").write_text('{"movie_id": "m1", "title": "The Salt Road"}\n')
    (folder / "reviews.jsonl").write_bytes(reviews)
    source = DatasetSource.model_validate(
        {
            "name": "films",
            "spider": "dataset",
            "movies": str(folder / "movies.jsonl"),
            "reviews": str(folder / "reviews.jsonl"),
        }
    )
    unread: list[Unread] = []
    items = list(items_of(Dataset(source, unread.append)))
    return (
        [item for item in items if isinstance(item, ReviewItem)],
        [one for one in unread if one.kind == "row"],
    )
