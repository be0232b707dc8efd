"""The term counts of a snapshot on real files, against plain counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.snapshot.files.term_counts import (
    TERM_COUNTS_FILE,
    TERM_HASHES_FILE,
    TERM_TOTALS_FILE,
    TermCounts,
    TermCountsWriter,
    hashes_of,
)
from shared.snapshot.storage.verify import SnapshotCorrupt
from tests.support.soak import examples

FILES = (TERM_HASHES_FILE, TERM_COUNTS_FILE, TERM_TOTALS_FILE)

Document = list[list[str]]

WORDS = ["rain", "ship", "love", "war", "joke", "乱", "👻"]
terms = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)
phrases = st.lists(terms, min_size=1, max_size=8)
documents = st.lists(st.lists(phrases, max_size=4), max_size=8)


def build(folder: Path, corpus: list[Document]) -> TermCounts:
    with TermCountsWriter(folder) as writer:
        for document in corpus:
            writer.add(document)
    return TermCounts(folder, rows=len(corpus))


def content(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


@settings(max_examples=examples(60))
@given(corpus=documents, asked=phrases, data=st.data())
def test_movies_have_terms_and_pairs_as_often_as_they_say_them(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[Document],
    asked: list[str],
    data: st.DataObject,
) -> None:
    counts = build(tmp_path_factory.mktemp("counts"), corpus)
    rows = data.draw(st.lists(st.sampled_from(range(len(corpus))) if corpus else st.nothing()))
    pairs = list(pairwise(asked))
    found = counts.counts(np.array(rows, np.int64), hashes_of(asked, pairs))
    assert found.shape == (len(rows), len(asked) + len(pairs))
    for row, actual in zip(rows, found.tolist(), strict=True):
        said = Counter(chain.from_iterable(corpus[row]))
        together = Counter(chain.from_iterable(map(pairwise, corpus[row])))
        assert actual == [*(said[term] for term in asked), *(together[pair] for pair in pairs)]


@settings(max_examples=examples(60))
@given(before=documents, after=documents, data=st.data())
def test_a_changed_copy_is_what_writing_all_of_it_makes(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[Document],
    after: list[Document],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("counts")
    for name in ("base", "copy", "whole"):
        (folder / name).mkdir()
    base = build(folder / "base", before)
    kept = data.draw(st.sets(st.integers(0, min(len(before), len(after)) - 1))) if (
        before and after
    ) else set()  # fmt: skip
    expected = [before[row] if row in kept else text for row, text in enumerate(after)]
    with TermCountsWriter(folder / "copy") as writer:
        for row, text in enumerate(expected):
            if row not in kept:
                writer.copy_until(row, base)
                writer.add(text)
        writer.copy_until(len(expected), base)
    build(folder / "whole", expected)
    assert content(folder / "copy") == content(folder / "whole")


def test_a_movie_without_terms_has_none_of_its_neighbours(tmp_path: Path) -> None:
    counts = build(tmp_path, [[], [["rain"]], [], [["war"]], []])
    found = counts.counts(np.arange(5), hashes_of(["rain", "war"], []))
    assert found.tolist() == [[0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]


def test_lengths_are_of_all_terms_over_their_mean(tmp_path: Path) -> None:
    counts = build(tmp_path, [[["rain", "rain"], ["ship"]], [["war"]], []])
    assert counts.lengths.tolist() == pytest.approx([3 / (5 / 3), 1 / (5 / 3), 1 / (5 / 3)])


def test_a_count_has_an_upper_bound(tmp_path: Path) -> None:
    counts = build(tmp_path, [[["rain"]] * 70_000])
    assert counts.counts(np.array([0]), hashes_of(["rain"], [])).tolist() == [[65_535]]


def test_two_terms_with_the_same_number_are_counted_together(tmp_path: Path) -> None:
    one, other = "plumless", "buckeroo"
    assert hashes_of([one], []) == hashes_of([other], [])
    counts = build(tmp_path, [[[one, "x", other]], [["plum"]]])
    assert counts.counts(np.array([0, 1]), hashes_of([one, "plum"], [])).tolist() == [
        [2, 0], [0, 1],
    ]  # fmt: skip


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [cut, emptied, Path.unlink])
def test_files_that_do_not_agree_are_corrupt(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    build(tmp_path, [[["rain"]], [["ship", "war"]]])
    damage(tmp_path / name)
    with pytest.raises(SnapshotCorrupt):
        TermCounts(tmp_path, rows=2)


@pytest.mark.parametrize(
    "totals", [[[1, 1]], [[1, 1], [2, 2]], [[5, 1], [-1, 2]], [[1.0, 1.0], [3.0, 2.0]]]
)
def test_totals_of_something_else_are_corrupt(tmp_path: Path, totals: list[list[float]]) -> None:
    build(tmp_path, [[["rain"]], [["ship", "war"]]])
    TermCounts(tmp_path, rows=2)
    np.save(tmp_path / TERM_TOTALS_FILE, np.array(totals))
    with pytest.raises(SnapshotCorrupt, match=TERM_TOTALS_FILE):
        TermCounts(tmp_path, rows=2)
