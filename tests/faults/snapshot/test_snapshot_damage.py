"""Damage to any byte of a snapshot: refused, or the very same answers; and the service serves on.

Every file of a snapshot, the pointer to it included, is damaged in every way of ``DAMAGE`` in its
beginning, its middle and its end. The reader never answers from what is not as it was written.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.snapshot.commit import point_current_at
from shared.snapshot.files.atlas import ATLAS
from shared.snapshot.files.term_counts import (
    TERM_COUNTS_FILE,
    TERM_HASHES_FILE,
    TERM_TOTALS_FILE,
)
from shared.snapshot.storage.manifest import (
    CATALOGUE_FILE,
    CURRENT,
    FILES,
    MANIFEST,
    PASSAGE_SCALES_FILE,
    PASSAGES_FILE,
    VECTORS_FILE,
    Manifest,
)
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, describe_file
from tests.support.counts import Counted
from tests.support.disk.examiner import looked_at
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, MOVIES, SPACE, SnapshotBuilder
from tests.support.soak import examples, times

Change = Callable[[bytes, int, int], bytes]


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1 << bit % 8]) + whole[place + 1 :]


def cut(whole: bytes, place: int, _: int) -> bytes:
    return whole[:place]


def longer(whole: bytes, place: int, more: int) -> bytes:
    return whole[:place] + bytes(more + 1) + whole[place:]


def zeroed(whole: bytes, place: int, length: int) -> bytes:
    end = min(len(whole), place + 1 + length)
    return whole[:place] + bytes(end - place) + whole[end:]


def shifted(whole: bytes, place: int, _: int) -> bytes:
    return whole[place:] + whole[:place]


DAMAGE: list[Change] = [flipped, cut, longer, zeroed, shifted]


@dataclass(frozen=True)
class Target:
    """A store with one snapshot, what it answers, and one more to take files from."""

    store: SnapshotStore
    snapshot_id: str
    answer: str
    other: Path

    @property
    def files(self) -> list[Path]:
        """Every file that readers read."""
        folder = self.store.folder(self.snapshot_id)
        return [self.store.root / CURRENT, *sorted(p for p in folder.rglob("*") if p.is_file())]

    def read(self) -> str | None:
        """What a reader answers that follows ``CURRENT``; None if it refuses."""
        try:
            current = self.store.current()
            return looked_at(self.store, current.snapshot_id, current.manifest_sha256)
        except (SnapshotCorrupt, NoSnapshot):
            return None

    def read_without_current(self) -> str | None:
        """What one answers that falls back: it has no hash of the manifest."""
        try:
            return looked_at(self.store, self.snapshot_id)
        except SnapshotCorrupt:
            return None


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    store = SnapshotStore(tmp_path_factory.mktemp("target"))
    builder = SnapshotBuilder(store, HashEncoder())
    other = builder.publish([BOXER, SPACE])
    snapshot_id = builder.publish(MOVIES).snapshot_id
    return Target(
        store, snapshot_id, looked_at(store, snapshot_id), store.folder(other.snapshot_id)
    )


@contextmanager
def instead(path: Path, content: bytes) -> Iterator[None]:
    """Another content for as long as it is looked at."""
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(whole)


def assert_refused_or_same(target: Target, path: Path, content: bytes) -> None:
    """A reader that follows ``CURRENT`` refuses; one that falls back may look past a timestamp."""
    if content == path.read_bytes():
        return
    with instead(path, content):
        found = target.read()
        if path.name == CURRENT:
            assert found in {None, target.answer}, path
        else:
            assert found is None, path
        if path.name == MANIFEST:
            assert target.read_without_current() in {None, target.answer}, path


def places(path: Path, chance: random.Random) -> set[int]:
    """The beginning, the end, and some between; of what says what the others are, many."""
    length = path.stat().st_size
    ends = {*range(min(length, times(8, soak=256))), *range(max(0, length - 4), length)}
    every = times(9, soak=1) if path.name in {MANIFEST, CURRENT} else length
    some = {chance.randrange(length) for _ in range(times(12, soak=2000))}
    return ends | some | set(range(0, length, every))


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: str(damage.__name__))
def test_damage_in_every_region_of_every_file(
    target: Target, damage: Change, counted: Counted
) -> None:
    chance = random.Random(4)
    assert len(target.files) > 10
    for path in target.files:
        whole = path.read_bytes()
        for place in sorted(places(path, chance)):
            assert_refused_or_same(target, path, damage(whole, place, chance.randrange(4096)))
            counted("damages", 1)
    assert target.read() == target.answer


@settings(max_examples=examples(60))
@given(data=st.data())
def test_any_damage_to_any_file(target: Target, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(target.files))
    whole = content = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        damage = data.draw(st.sampled_from(DAMAGE))
        if content:
            place = data.draw(st.integers(0, len(content) - 1))
            content = damage(content, place, data.draw(st.integers(0, 4096)))
    if content != whole:
        assert_refused_or_same(target, path, content)


def test_files_in_each_others_place(target: Target, counted: Counted) -> None:
    """Of the same snapshot, and of another one that is whole itself."""
    for path in target.files:
        relative = path.relative_to(target.store.root)
        others = [other for other in target.files if other != path]
        twin = target.other.joinpath(*relative.parts[1:])
        for other in [*others, *([twin] if twin.is_file() else [])]:
            assert_refused_or_same(target, path, other.read_bytes())
            counted("swaps", 1)
    assert target.read() == target.answer


def test_a_missing_file_and_one_more(target: Target) -> None:
    for path in target.files:
        moved = path.rename(target.store.root / "moved")
        assert target.read() is None
        moved.rename(path)
    folder = target.store.folder(target.snapshot_id)
    for name in ("another.txt", "vectors.faiss.tmp", ".hidden"):
        (folder / name).write_text("not of the snapshot")
        assert target.read() == target.answer
        (folder / name).unlink()


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[tuple[RunningQuery, SnapshotBuilder]]:
    encoder = HashEncoder()
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)
    async with running_query(query_settings(tmp_path), always(encoder)) as query:
        yield query, builder


Spoil = Callable[[SnapshotStore, Manifest], None]


def pointer(content: bytes) -> Spoil:
    def spoil(store: SnapshotStore, _: Manifest) -> None:
        (store.root / CURRENT).write_bytes(content)

    return spoil


def dangling(store: SnapshotStore, manifest: Manifest) -> None:
    shutil.rmtree(store.folder(manifest.snapshot_id))


def a_folder(store: SnapshotStore, _: Manifest) -> None:
    (store.root / CURRENT).unlink()
    (store.root / CURRENT).mkdir()


def a_loop(store: SnapshotStore, _: Manifest) -> None:
    (store.root / CURRENT).unlink()
    (store.root / CURRENT).symlink_to(CURRENT)


def swapped(store: SnapshotStore, manifest: Manifest) -> None:
    folder = store.folder(manifest.snapshot_id)
    first, second = (folder / name for name in (VECTORS_FILE, PASSAGES_FILE))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def without_manifest(store: SnapshotStore, manifest: Manifest) -> None:
    (store.folder(manifest.snapshot_id) / MANIFEST).unlink()


def zeros_in(name: str) -> Spoil:
    def spoil(store: SnapshotStore, manifest: Manifest) -> None:
        path = store.folder(manifest.snapshot_id) / name
        path.write_bytes(bytes(path.stat().st_size))

    return spoil


def forged(store: SnapshotStore, manifest: Manifest, **changes: object) -> None:
    """Make the manifest, and ``CURRENT``, say what is there: a publisher without gates."""
    folder = store.folder(manifest.snapshot_id)
    files = {name: describe_file(folder / name) for name in manifest.files}
    forgery = manifest.model_copy(update={"files": files, **changes})
    (folder / MANIFEST).write_bytes(forgery.to_bytes())
    payload = (folder / MANIFEST).read_bytes()
    current = {
        "snapshot_id": manifest.snapshot_id,
        "manifest_sha256": hashlib.sha256(payload).hexdigest(),
    }
    (store.root / CURRENT).write_text(json.dumps(current))


def nonsense_in(name: str) -> Spoil:
    """Noise under a right hash: what reads it must not take the process with it."""

    def spoil(store: SnapshotStore, manifest: Manifest) -> None:
        [path] = store.folder(manifest.snapshot_id).glob(name)
        whole = path.read_bytes()
        path.write_bytes(whole[:8] + random.Random(5).randbytes(max(8, len(whole) - 8)))
        forged(store, manifest)

    return spoil


def not_a_number_in(name: str) -> Spoil:
    def spoil(store: SnapshotStore, manifest: Manifest) -> None:
        path = store.folder(manifest.snapshot_id) / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-4] + np.float32(np.nan).tobytes())
        forged(store, manifest)

    return spoil


def of_another_encoder(store: SnapshotStore, manifest: Manifest) -> None:
    name = manifest.encoder.model_copy(update={"encoder_id": "0" * 16})
    forged(store, manifest, encoder=name)


def of_another_width(store: SnapshotStore, manifest: Manifest) -> None:
    name = manifest.encoder.model_copy(update={"dim": manifest.encoder.dim * 2})
    forged(store, manifest, encoder=name)


SPOILED: dict[str, Spoil] = {
    "CURRENT is empty": pointer(b""),
    "CURRENT is garbage": pointer(b"\xff\x00garbage"),
    "CURRENT is another's JSON": pointer(b'{"snapshot_id": "../..", "manifest_sha256": "0"}'),
    "CURRENT is huge": pointer(b"[" * 1_000_000),
    "CURRENT names what is gone": dangling,
    "CURRENT is a folder": a_folder,
    "CURRENT is a link to itself": a_loop,
    "two files are swapped": swapped,
    "there is no manifest": without_manifest,
    **{
        f"{name} is zeros": zeros_in(name)
        for name in (
            *FILES, ATLAS, TERM_HASHES_FILE, TERM_COUNTS_FILE, TERM_TOTALS_FILE,
        )
    },
    **{
        f"{name} is nonsense with its hash": nonsense_in(name)
        for name in (
            VECTORS_FILE, PASSAGES_FILE, PASSAGE_SCALES_FILE, CATALOGUE_FILE, ATLAS,
            TERM_TOTALS_FILE, "lexical/*.fast", "lexical/*.fieldnorm", "lexical/*.idx",
            "lexical/*.store", "lexical/*.term", "lexical/meta.json", "lexical/.managed.json",
        )
    },
    "a vector is not a number": not_a_number_in(VECTORS_FILE),
    "a scale is not a number": not_a_number_in(PASSAGE_SCALES_FILE),
    "it is of another encoder": of_another_encoder,
    "it is of another width": of_another_width,
}  # fmt: skip


async def told(query: RunningQuery) -> tuple[str, str | None]:
    """What is served, and why it is not what ``CURRENT`` names."""
    response = await query.client.get("/snapshot")
    assert response.status_code == 200, response.text
    found = response.json()
    return found["snapshot_id"], found["degraded"]


async def test_a_serving_process_keeps_the_last_good_one_and_loads_the_next(
    serving: tuple[RunningQuery, SnapshotBuilder], counted: Counted
) -> None:
    query, builder = serving
    good = builder.publish(mapped=True).snapshot_id
    await query.reload()
    ask = {"query": "a boxer in the rain", "k": 4}
    before = (await query.client.post("/search", json=ask)).json()
    for name, spoil in SPOILED.items():
        bad = builder.publish([BOXER, SPACE])
        spoil(builder.store, bad)
        await query.reload()
        served, degraded = await told(query)
        assert served == good, name
        assert degraded, name
        assert str(builder.store.root) not in degraded
        answer = await query.client.post("/search", json=ask)
        assert answer.status_code == 200, name
        kept = ("hits", "snapshot_id")
        assert [answer.json()[key] for key in kept] == [before[key] for key in kept], name
        current = builder.store.root / CURRENT
        if current.is_symlink() or not current.is_dir():
            current.unlink(missing_ok=True)
        else:
            current.rmdir()
        good = builder.publish().snapshot_id
        await query.reload()
        assert await told(query) == (good, None), name
        before = (await query.client.post("/search", json=ask)).json()
        counted("bad snapshots", 1)


def test_what_is_damaged_is_not_activated_by_hand(target: Target) -> None:
    """The commit point reads the manifest once more before it names it."""
    before = (target.store.root / CURRENT).read_bytes()
    path = target.store.folder(target.snapshot_id) / MANIFEST
    with instead(path, path.read_bytes()[:-1]), pytest.raises(SnapshotCorrupt):
        point_current_at(target.store, target.snapshot_id)
    assert (target.store.root / CURRENT).read_bytes() == before
