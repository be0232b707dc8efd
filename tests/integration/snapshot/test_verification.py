"""Proving a file once for all processes, and never believing a changed one."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.snapshot.files.index import HEADER_BYTES
from shared.snapshot.reader import check_unit_vectors, open_snapshot
from shared.snapshot.storage import verify
from shared.snapshot.storage.manifest import VECTORS_FILE, FileEntry
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import (
    SnapshotCorrupt,
    VerificationCache,
    describe_file,
    verify_file,
)
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import SnapshotBuilder


@pytest.fixture
def verified(tmp_path: Path) -> VerificationCache:
    folder = tmp_path / "verified"
    folder.mkdir()
    return VerificationCache(folder)


def settled(path: Path) -> Path:
    """Make a file look as if it had been written a while ago, as published files are."""
    past = time.time() - 60
    os.utime(path, (past, past))
    return path


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read to their end from now on."""
    read: list[str] = []
    original = verify.describe_file

    def describe(path: Path) -> FileEntry:
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(verify, "describe_file", describe)
    return read


def test_a_file_is_read_once(
    tmp_path: Path, verified: VerificationCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"whole")
    entry = describe_file(settled(path))
    read = hashed(monkeypatch)
    for _ in range(3):
        verify_file(path, entry, verified=verified)
    assert read == ["file"]
    verify_file(path, entry)  # without verified it is always read
    assert read == ["file"] * 2
    linked = tmp_path / "linked"  # as an unchanged part of the next snapshot may be
    linked.hardlink_to(path)
    verify_file(linked, entry, verified=verified)
    assert read == ["file"] * 2


def test_a_file_that_changes_is_read_again_and_refused(
    tmp_path: Path, verified: VerificationCache
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"whole")
    entry = describe_file(settled(path))
    verify_file(path, entry, verified=verified)
    path.write_bytes(b"whale")  # in place: the same file, of the same size
    for _ in range(2):
        with pytest.raises(SnapshotCorrupt, match="sha256"):
            verify_file(path, entry, verified=verified)
    path.write_bytes(b"whole")
    verify_file(path, entry, verified=verified)
    other = tmp_path / "other"
    other.write_bytes(b"whale")
    settled(other).replace(path)  # another file under its name
    with pytest.raises(SnapshotCorrupt, match="sha256"):
        verify_file(path, entry, verified=verified)


def test_what_has_just_changed_is_not_proven_for_later(
    tmp_path: Path, verified: VerificationCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could change once more within one tick of the file system's clock."""
    path = tmp_path / "file"
    path.write_bytes(b"whole")
    entry = describe_file(path)
    future = time.time() + 60
    os.utime(path, (future, future))
    read = hashed(monkeypatch)
    for _ in range(2):
        verify_file(path, entry, verified=verified)
    assert read == ["file"] * 2


def _verify(folder: Path, path: Path, counted: Path) -> None:
    def prove() -> None:
        with counted.open("a") as stream:
            stream.write("x")

    VerificationCache(folder).verify_once("hash", path, "0" * 64, prove)


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def _of_another(folder: Path) -> None:
    """A link of that name, as whoever may write to the folder above can make."""
    others = folder.with_name("others")
    folder.rename(others)
    folder.symlink_to(others)


@pytest.mark.parametrize("happened", [_gone, _a_file, _of_another])
def test_files_are_verified_whatever_happens_to_the_folder(
    tmp_path: Path, happened: Callable[[Path], None]
) -> None:
    folder = tmp_path / "scratch" / "verified"
    folder.mkdir(parents=True)
    verified = VerificationCache(folder)
    path = tmp_path / "file"
    path.write_bytes(b"content")
    entry = describe_file(settled(path))
    verify_file(path, entry, verified=verified)
    happened(folder)
    verify_file(path, entry, verified=verified)
    path.write_bytes(b"CONTENT")
    with pytest.raises(SnapshotCorrupt, match="sha256"):
        verify_file(path, entry, verified=verified)


def test_a_folder_that_was_removed_remembers_again(
    tmp_path: Path, verified: VerificationCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    entry = describe_file(settled(path))
    shutil.rmtree(verified.folder)
    read = hashed(monkeypatch)
    for _ in range(2):
        verify_file(path, entry, verified=verified)
    assert read == ["file"]
    assert verified.folder.stat().st_mode & 0o077 == 0


def test_a_folder_of_others_is_not_believed(
    tmp_path: Path, verified: VerificationCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    entry = describe_file(settled(path))
    verify_file(path, entry, verified=verified)
    _of_another(verified.folder)
    read = hashed(monkeypatch)
    for _ in range(2):
        verify_file(path, entry, verified=verified)
    assert read == ["file", "file"]


def test_processes_that_start_together_prove_once(
    tmp_path: Path, verified: VerificationCache
) -> None:
    path, counted = tmp_path / "file", tmp_path / "counted"
    path.write_bytes(b"whole")
    settled(path)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_verify, args=(verified.folder, path, counted)) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    assert counted.read_text() == "x"


def test_a_snapshot_is_proven_once_and_its_damage_is_found_all_the_same(
    tmp_path: Path, verified: VerificationCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "store"), HashEncoder())
    manifest = builder.publish()
    folder = builder.store.folder(manifest.snapshot_id)
    for name in manifest.files:
        settled(folder / name)
    read = hashed(monkeypatch)
    for _ in range(3):
        open_snapshot(builder.store, manifest.snapshot_id, verified=verified)
    assert sorted(read) == sorted(Path(name).name for name in manifest.files)
    for name in manifest.files:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        with pytest.raises(SnapshotCorrupt, match="sha256"):
            open_snapshot(builder.store, manifest.snapshot_id, verified=verified)
        (folder / name).write_bytes(whole)
    open_snapshot(builder.store, manifest.snapshot_id, verified=verified)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (0.0, "unit length"), (1.0, "unit length")],
)
@pytest.mark.parametrize("row", [0, 8191, 8192, 9999])
def test_a_bad_vector_is_found_wherever_it_is(
    tmp_path: Path, value: float, reason: str, row: int
) -> None:
    """Vectors are looked at some thousands at a time; the seams must not hide one."""
    snapshot = SnapshotBuilder(SnapshotStore(tmp_path), HashEncoder()).publish()
    opened = open_snapshot(SnapshotStore(tmp_path), snapshot.snapshot_id)
    vectors = np.zeros((10_000, 4), np.float32)
    vectors[:, 1] = 1
    opened.index._vectors = vectors
    opened = replace(opened, passage_ranges=np.ones((10_000, 2), np.int64))
    check_unit_vectors(opened)
    vectors[row] = value
    with pytest.raises(SnapshotCorrupt, match=reason):
        check_unit_vectors(opened)


def test_the_index_is_mapped_at_its_place(tmp_path: Path) -> None:
    manifest = SnapshotBuilder(SnapshotStore(tmp_path), HashEncoder()).publish()
    snapshot = open_snapshot(SnapshotStore(tmp_path), manifest.snapshot_id)
    path = tmp_path / manifest.snapshot_id / VECTORS_FILE
    stored = np.frombuffer(path.read_bytes()[HEADER_BYTES:], np.float32)
    np.testing.assert_array_equal(snapshot.index.vectors().ravel(), stored)
    assert not snapshot.index.vectors().flags.writeable
    assert str(path) in Path("/proc/self/maps").read_text()


def test_vectors_outlive_the_snapshot_that_they_were_taken_of(tmp_path: Path) -> None:
    """They are a view of mapped memory; without what holds it, looking would end the process."""
    manifest = SnapshotBuilder(SnapshotStore(tmp_path), HashEncoder()).publish()
    vectors = open_snapshot(SnapshotStore(tmp_path), manifest.snapshot_id).index.vectors()[1:]
    gc.collect()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
