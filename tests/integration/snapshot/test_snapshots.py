"""Publishing and opening snapshots on a real disk, with real faiss and SQLite files."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.record import MovieRecord
from shared.snapshot import commit
from shared.snapshot.files.term_counts import (
    TERM_COUNTS_FILE,
    TERM_HASHES_FILE,
    TERM_TOTALS_FILE,
)
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.leases import Leases, leased
from shared.snapshot.storage.manifest import (
    CATALOGUE_FILE,
    CURRENT,
    MANIFEST,
    PASSAGE_SCALES_FILE,
    PASSAGES_FILE,
    VECTORS_FILE,
    EncoderName,
    Manifest,
)
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.snapshot.writer import EncodedReview, SnapshotWriter
from shared.text.passages import Span

DIM = 8
NAME = EncoderName(encoder_id="e" * 16, model="test", dim=DIM, passage_precision="f32")


def writer(
    movies: int = 5,
    *,
    spoil: Callable[[np.ndarray], None] = lambda _: None,
    extra: Callable[[Path], None] = lambda _: None,
) -> Callable[[Path], commit.Draft]:
    def write(folder: Path) -> commit.Draft:
        vectors = np.random.default_rng(movies).normal(size=(movies, DIM)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        spoiled = vectors.copy()
        spoil(spoiled)
        with SnapshotWriter(folder, dim=DIM, passages=2 * movies) as out:
            for n in range(movies):
                review = EncodedReview(
                    review_id=f"r{n}",
                    text="First. Second.",
                    spans=[Span(0, 6), Span(7, 14)],
                    vectors=np.repeat(vectors[n : n + 1], 2, axis=0),
                )
                facts = MovieRecord(movie_id=f"tt{n}", title=f"Film {n}", genres=("Drama",))
                out.add(facts, [review], spoiled[n])
        extra(folder)
        return commit.Draft(out.counts, NAME)

    return write


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "store")


def put(store: SnapshotStore, sequence: int, movies: int = 5, *, force: bool = False) -> Manifest:
    return commit.publish(store, sequence=sequence, write=writer(movies), force=force)


def test_what_is_published_is_what_is_opened(store: SnapshotStore) -> None:
    manifest = put(store, 1)
    current = store.current()
    assert current.snapshot_id == manifest.snapshot_id
    snapshot = open_snapshot(store, current.snapshot_id, manifest_sha256=current.manifest_sha256)
    assert snapshot.catalogue.counts() == (5, 5, 10)
    _, rows = snapshot.index.search(snapshot.index.vectors(), 99)
    assert rows.shape == (5, 5)
    assert rows[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert [p.text for p in snapshot.catalogue.passages([3, 2])] == ["Second.", "First."]
    assert snapshot.catalogue.movies([4, 0])[0].movie_id == "tt4"
    assert snapshot.passage_ranges.tolist() == [[0, 2], [2, 2], [4, 2], [6, 2], [8, 2]]


def test_searching_agrees_with_numpy(store: SnapshotStore) -> None:
    snapshot = open_snapshot(store, put(store, 1, 60).snapshot_id)
    vectors = snapshot.index.vectors()
    queries = np.random.default_rng(9).normal(size=(20, DIM)).astype(np.float32)
    scores, rows = snapshot.index.search(queries, 7)
    expected = queries @ vectors.T
    assert np.array_equal(rows, np.argsort(-expected, axis=1, kind="stable")[:, :7])
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :7], rtol=1e-5)


def test_an_empty_store_has_no_snapshot(store: SnapshotStore) -> None:
    with pytest.raises(NoSnapshot):
        store.current()
    assert store.snapshot_ids() == []


@pytest.mark.parametrize(
    "name",
    [
        VECTORS_FILE, PASSAGES_FILE, PASSAGE_SCALES_FILE, CATALOGUE_FILE, "lexical/*.term",
        TERM_HASHES_FILE, TERM_COUNTS_FILE, TERM_TOTALS_FILE, MANIFEST,
    ],
)  # fmt: skip
def test_no_flipped_bit_and_no_cut_goes_unnoticed(store: SnapshotStore, name: str) -> None:
    put(store, 1)
    current = store.current()
    [path] = store.folder(current.snapshot_id).glob(name)
    whole = path.read_bytes()
    chance = random.Random(7)
    damages = [whole[:-1], whole[: len(whole) // 2], b"", whole + b"\x00"]
    for _ in range(40):
        position, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        damages.append(whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :])
    for damaged in damages:
        path.write_bytes(damaged)
        with pytest.raises(SnapshotCorrupt):
            open_snapshot(store, current.snapshot_id, manifest_sha256=current.manifest_sha256)
    path.unlink()
    with pytest.raises(SnapshotCorrupt):
        open_snapshot(store, current.snapshot_id, manifest_sha256=current.manifest_sha256)


@pytest.mark.parametrize("content", [b"", b"garbage", b"{}", b'{"snapshot_id": "../../etc"}'])
def test_a_damaged_current_is_an_error_not_a_crash(store: SnapshotStore, content: bytes) -> None:
    put(store, 1)
    (store.root / CURRENT).write_bytes(content)
    with pytest.raises(SnapshotCorrupt):
        store.current()


def nan(vectors: np.ndarray) -> None:
    vectors[2, 3] = np.nan


def long(vectors: np.ndarray) -> None:
    vectors[2] *= 1.01


@pytest.mark.parametrize(("spoil", "reason"), [(nan, "not finite"), (long, "not of unit length")])
def test_bad_vectors_do_not_pass_the_gate(
    store: SnapshotStore, spoil: Callable[[np.ndarray], None], reason: str
) -> None:
    before = put(store, 1)
    with pytest.raises(commit.GateFailed, match=reason):
        commit.publish(store, sequence=2, write=writer(spoil=spoil))
    assert store.current().snapshot_id == before.snapshot_id
    assert store.snapshot_ids() == [before.snapshot_id]


def test_a_catalogue_that_lost_half_its_movies_needs_force(store: SnapshotStore) -> None:
    before = put(store, 1, 11)
    with pytest.raises(commit.GateFailed, match="5 movies, less than half of the 11"):
        put(store, 2, 5)
    assert store.current().snapshot_id == before.snapshot_id
    assert put(store, 3, 5, force=True).snapshot_id == store.current().snapshot_id


def test_a_writer_that_fails_leaves_nothing_behind(store: SnapshotStore) -> None:
    before = put(store, 1)

    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        commit.publish(store, sequence=2, write=writer(extra=fail))
    assert store.current().snapshot_id == before.snapshot_id
    assert sorted(path.name for path in store.root.iterdir()) == sorted(
        [before.snapshot_id, CURRENT, ".lock"]
    )


class Killed(BaseException):
    """Where a publisher dies."""


@contextlib.contextmanager
def dying_after(operations: int) -> Iterator[list[str]]:
    """Let a publisher do so many durable operations, then kill it; it runs no clean-up."""
    done: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync_file", "fsync_folder", "rename"):
            original = getattr(commit, name)

            def dying(
                *paths: Path, name: str = name, original: Callable[..., None] = original
            ) -> None:
                if len(done) == operations:
                    raise Killed
                done.append(f"{name} {paths[-1].name}")
                original(*paths)

            patch.setattr(commit, name, dying)
        patch.setattr(shutil, "rmtree", lambda *_args, **_options: None)
        yield done


def test_a_publisher_killed_at_any_operation_leaves_the_old_or_the_new_snapshot(
    tmp_path: Path,
) -> None:
    with dying_after(10**6) as whole:
        put(SnapshotStore(tmp_path / "whole"), 1)
    commit_point = whole.index(f"rename {CURRENT}")
    assert commit_point == len(whole) - 2
    for step in range(len(whole)):
        store = SnapshotStore(tmp_path / str(step))
        old = put(store, 1)
        with dying_after(step), pytest.raises(Killed):
            commit.publish(store, sequence=2, write=writer(6))
        current = store.current()
        snapshot = open_snapshot(
            store, current.snapshot_id, manifest_sha256=current.manifest_sha256
        )
        assert (snapshot.snapshot_id == old.snapshot_id) == (step <= commit_point), whole[step]
        # The next publisher sweeps up and goes on.
        assert put(store, 3).snapshot_id == store.current().snapshot_id
        assert not [path for path in store.root.iterdir() if path.name.startswith(".staging")]


def test_everything_is_durable_before_the_commit_point(tmp_path: Path) -> None:
    with dying_after(10**6) as done:
        manifest = put(SnapshotStore(tmp_path), 1)
    before = done[: done.index(f"rename {CURRENT}")]
    named = done.index(f"rename {manifest.snapshot_id}")
    for name in manifest.files:
        assert done.index(f"fsync_file {Path(name).name}") < named
    assert done.index("fsync_file manifest.json") < named
    assert [step for step in done[:named] if step.startswith("fsync_folder .staging")]
    assert f"fsync_folder {tmp_path.name}" in done[named:]
    assert f"fsync_file {CURRENT}.tmp" in before
    assert done[-1] == f"fsync_folder {tmp_path.name}"


def test_one_publisher_at_a_time(store: SnapshotStore) -> None:
    def second(_: Path) -> None:
        put(store, 3)

    with pytest.raises(commit.StoreBusy):
        commit.publish(store, sequence=2, write=writer(extra=second))


def test_retention_spares_the_current_the_leased_and_the_newest(
    store: SnapshotStore, tmp_path: Path
) -> None:
    folder = tmp_path / "leases"
    ids = [put(store, n).snapshot_id for n in range(1, 8)]
    Leases(folder, "reader-1").take(ids[1])
    commit.point_current_at(store, ids[0])
    deleted = commit.retain(store, keep=3, lease_folder=folder)
    assert sorted(deleted) == sorted(ids[2:4])
    assert store.snapshot_ids() == sorted([ids[0], ids[1], *ids[4:]], reverse=True)
    assert store.current().snapshot_id == ids[0]


def test_a_lease_expires_when_its_holder_no_longer_renews_it(tmp_path: Path) -> None:
    lease = Leases(tmp_path, "gone")
    assert lease.take("00000001-aaaaaaaa")
    assert leased(tmp_path) == {"00000001-aaaaaaaa"}
    [path] = tmp_path.iterdir()
    os.utime(path, (0, 0))
    assert leased(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_roll_back_is_a_new_current(store: SnapshotStore) -> None:
    first, second = put(store, 1), put(store, 2, 6)
    assert store.current().snapshot_id == second.snapshot_id
    commit.point_current_at(store, first.snapshot_id)
    assert store.current().snapshot_id == first.snapshot_id
    with pytest.raises(SnapshotCorrupt):
        commit.point_current_at(store, "00000009-00000000")
    assert store.current().snapshot_id == first.snapshot_id
