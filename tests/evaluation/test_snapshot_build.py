"""Building snapshots for ``make evaluate``: with the real services, and only when necessary."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.evaluation.snapshot_build import STAMP, BuildFailed, ensure_snapshot
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore

pytestmark = pytest.mark.encoder


class Collection:
    """Two movies on disk, as a source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.reviews = folder / "reviews.jsonl"
        self.sources = folder / "sources.toml"
        self.sources.write_text(
            '[sources.two]\nspider = "dataset"\n'
            'movies = "movies.jsonl"\nreviews = "reviews.jsonl"\n'
        )
        rows = ({"movie_id": f"tt000000{n}", "title": f"Movie {n}"} for n in (1, 2))
        (folder / "movies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.review("A boxer trains for his fight.", "Rain and neon.")

    def review(self, *texts: str) -> None:
        rows = (
            {"movie_id": f"tt000000{n}", "review_id": f"r{n}", "text": text}
            for n, text in enumerate(texts, 1)
        )
        self.reviews.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def ensure(self) -> SnapshotStore:
        self.said.clear()
        return ensure_snapshot(
            self.folder / "data",
            sources=self.sources,
            source="two",
            files=[self.folder / "movies.jsonl", self.reviews],
            say=self.said.append,
        )


def test_a_snapshot_is_built_only_when_it_is_out_of_date(tmp_path: Path) -> None:
    collection = Collection(tmp_path)
    store = collection.ensure()
    first = store.current().snapshot_id
    assert open_snapshot(store, first).catalogue.counts()[:2] == (2, 2)

    collection.ensure()
    assert collection.said == [f"two: the snapshot in {tmp_path / 'data'} is up to date"]
    assert store.snapshot_ids() == [first]

    # As if the form of snapshots had changed: another snapshot, of the same vectors.
    stamp = tmp_path / "data" / STAMP
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "snapshots": "of old"}))
    collection.ensure()
    assert store.current().snapshot_id > first
    assert not any("1 encoded" in line or "2 encoded" in line for line in collection.said)

    # Other reviews: built from scratch, without the old reviews; both movies are still known.
    collection.review("A boxer trains for his fight.")
    collection.ensure()
    snapshot = open_snapshot(store, store.current().snapshot_id)
    assert snapshot.catalogue.counts()[:2] == (2, 1)
    assert min(store.snapshot_ids()).startswith("00000001")  # counted from the beginning
    assert first not in store.snapshot_ids()


def test_a_collection_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    collection = Collection(tmp_path)
    collection.reviews.write_text("no JSON\n")
    with pytest.raises(BuildFailed, match=r"two: run failed: .*reviews\.jsonl: has no rows"):
        collection.ensure()


def test_missing_data_is_named(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "services.evaluation", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 2
    assert f"evaluate: file not found: {tmp_path}/imdb500/reviews.parquet" in answer.stderr
