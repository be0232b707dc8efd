"""Hot reload: the last good snapshot stays, whatever happens to the newest."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from services.query.serving.generation import EncoderFactory
from shared.encoder import Encoder
from shared.snapshot.commit import point_current_at
from shared.snapshot.files.index import HEADER_BYTES
from shared.snapshot.files.term_counts import (
    TERM_COUNTS_FILE,
    TERM_HASHES_FILE,
    TERM_TOTALS_FILE,
)
from shared.snapshot.storage.leases import leased
from shared.snapshot.storage.manifest import (
    CATALOGUE_FILE,
    CURRENT,
    LEXICAL_FOLDER,
    MANIFEST,
    PASSAGE_SCALES_FILE,
    PASSAGES_FILE,
    VECTORS_FILE,
    Manifest,
)
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, MOVIES, SPACE, SampleMovie, SnapshotBuilder
from tests.support.waiting import async_wait_until


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def builder(tmp_path: Path, encoder: HashEncoder) -> SnapshotBuilder:
    return SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)


@pytest.fixture
async def query(tmp_path: Path, encoder: HashEncoder) -> AsyncIterator[RunningQuery]:
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        yield running


async def served(query: RunningQuery) -> dict[str, object]:
    response = await query.client.get("/snapshot")
    assert response.status_code == 200, response.text
    info: dict[str, object] = response.json()
    return info


async def search_status(query: RunningQuery) -> int:
    return (await query.client.get("/search", params={"q": "boxer"})).status_code


async def test_before_the_first_snapshot_it_is_alive_but_not_ready(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    assert (await query.client.get("/livez")).status_code == 200
    assert (await query.client.get("/")).status_code == 200
    paths = ["/readyz", "/search?q=a", "/snapshot", "/movies", "/movies/a", "/movies/a/similar"]
    paths += ["/facets", "/suggest?q=a"]
    for path in paths:
        response = await query.client.get(path)
        assert response.status_code == 503, path
        assert response.json()["code"] == "not-ready"
        assert int(response.headers["Retry-After"]) >= 1
    manifest = builder.publish()
    await query.reload()
    response = await query.client.get("/readyz")
    assert response.json() == {"status": "ready", "snapshot_id": manifest.snapshot_id}


async def test_it_follows_current_by_itself(
    tmp_path: Path, builder: SnapshotBuilder, encoder: HashEncoder
) -> None:
    settings = query_settings(tmp_path, reload_interval_s=0.02)
    async with running_query(settings, always(encoder)) as query:
        for _ in range(3):
            manifest = builder.publish()

            async def is_served(expected: str = manifest.snapshot_id) -> bool:
                response = await query.client.get("/readyz")
                return response.status_code == 200 and response.json()["snapshot_id"] == expected

            await async_wait_until(is_served)


async def test_a_new_review_is_found_after_a_reload(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await query.reload()
    boxer = SampleMovie(BOXER.movie_id, (*BOXER.reviews, "Xylophone lullabies."), title=BOXER.title)
    builder.publish([boxer, *MOVIES[1:]])
    await query.reload()
    response = await query.client.post("/search", json={"query": "xylophone lullabies", "k": 1})
    [hit] = response.json()["hits"]
    assert hit["movie"]["movie_id"] == BOXER.movie_id
    assert hit["evidence"][0]["text"] == "Xylophone lullabies."


async def test_reloads_under_load_fail_no_request_and_mix_no_snapshots(
    tmp_path: Path, builder: SnapshotBuilder, encoder: HashEncoder
) -> None:
    """Each snapshot's movies are marked with its number, so a mixed answer would show."""
    snapshots = 12

    def marked(number: int) -> list[SampleMovie]:
        return [
            SampleMovie(f"tt{n}", (f"The same words mark{number}.",), title=f"mark{number}")
            for n in range(20 + number)
        ]

    builder.publish(marked(1))
    settings = query_settings(tmp_path, reload_interval_s=0.01, encode_queue=1000)
    seen: set[str] = set()
    answers = 0
    stop = False
    async with running_query(settings, always(encoder)) as query:
        await query.reload()

        async def ask(path: str) -> None:
            nonlocal answers
            while not stop:
                response = await query.client.get(path)
                assert response.status_code == 200, response.text
                page = response.json()
                number = int(response.headers["X-Snapshot-ID"].split("-")[0])
                assert page["snapshot_id"] == response.headers["X-Snapshot-ID"]
                assert page["matched"] in {20 + number, 19 + number}
                for hit in page["hits"]:
                    assert hit["movie"]["title"] == f"mark{number}"
                    assert [item["text"] for item in hit["evidence"]] == [
                        f"The same words mark{number}."
                    ]
                seen.add(page["snapshot_id"])
                answers += 1

        paths = ["/search?q=the+same+words&k=20", "/movies/tt3/similar?k=20"] * 4
        async with asyncio.TaskGroup() as clients:
            for path in paths:
                clients.create_task(ask(path))

            async def is_asked() -> bool:
                return bool(seen)

            await async_wait_until(is_asked)
            for number in range(2, snapshots + 1):
                manifest = await asyncio.to_thread(builder.publish, marked(number))

                async def is_seen(expected: str = manifest.snapshot_id) -> bool:
                    return expected in seen

                await async_wait_until(is_seen, what=f"snapshot {number} is served")
            stop = True
    assert len(seen) == snapshots
    assert answers > snapshots * len(paths) / 2


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGED = [
    VECTORS_FILE,
    PASSAGES_FILE,
    PASSAGE_SCALES_FILE,
    f"{LEXICAL_FOLDER}/meta.json",
    TERM_HASHES_FILE,
    TERM_COUNTS_FILE,
    TERM_TOTALS_FILE,
    CATALOGUE_FILE,
    MANIFEST,
]
DAMAGE: list[Callable[[Path], None]] = [truncate, flip, extend, empty, Path.unlink]


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: str(damage.__name__))
async def test_a_damaged_newest_snapshot_keeps_the_last_good_one(
    query: RunningQuery, builder: SnapshotBuilder, name: str, damage: Callable[[Path], None]
) -> None:
    good = builder.publish()
    await query.reload()
    bad = builder.publish()
    target = builder.store.folder(bad.snapshot_id) / name
    untouched = target.read_bytes()
    damage(target)

    await query.reload()

    info = await served(query)
    assert info["snapshot_id"] == good.snapshot_id
    assert isinstance(info["degraded"], str)
    assert Path(name).name in info["degraded"]
    assert str(builder.store.root) not in info["degraded"]
    assert await search_status(query) == 200
    assert "movie_search_degraded 1.0" in (await query.client.get("/metrics")).text

    target.write_bytes(untouched)  # repaired in place: the retry finds it
    await query.reload()
    info = await served(query)
    assert (info["snapshot_id"], info["degraded"]) == (bad.snapshot_id, None)
    assert "movie_search_degraded 0.0" in (await query.client.get("/metrics")).text


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"{}", b'{"snapshot_id": "../../etc", "manifest_sha256": "x"}', b"\xff\xfe"],
)
async def test_a_damaged_current_keeps_the_last_good_one(
    query: RunningQuery, builder: SnapshotBuilder, content: bytes
) -> None:
    good = builder.publish()
    await query.reload()
    (builder.store.root / CURRENT).write_bytes(content)
    await query.reload()
    info = await served(query)
    assert info["snapshot_id"] == good.snapshot_id
    assert info["degraded"] is not None
    newer = builder.publish()
    await query.reload()
    assert (await served(query))["snapshot_id"] == newer.snapshot_id


async def test_current_that_names_nothing_or_goes_away(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    good = builder.publish()
    await query.reload()
    gone = builder.publish()
    shutil.rmtree(builder.store.folder(gone.snapshot_id))
    await query.reload()
    assert (await served(query))["snapshot_id"] == good.snapshot_id
    assert (await served(query))["degraded"] is not None
    (builder.store.root / CURRENT).unlink()
    await query.reload()
    assert (await served(query))["degraded"] == "the store no longer has CURRENT"
    assert await search_status(query) == 200


async def test_current_with_the_hash_of_another_manifest(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    good = builder.publish()
    await query.reload()
    newer = builder.publish()
    current = {"snapshot_id": newer.snapshot_id, "manifest_sha256": "0" * 64}
    (builder.store.root / CURRENT).write_text(json.dumps(current))
    await query.reload()
    assert (await served(query))["snapshot_id"] == good.snapshot_id


async def test_at_start_it_falls_back_to_the_newest_valid_one(
    builder: SnapshotBuilder, query: RunningQuery
) -> None:
    builder.publish()
    good = builder.publish()
    for name in (VECTORS_FILE, CATALOGUE_FILE):
        truncate(builder.store.folder(builder.publish().snapshot_id) / name)
    await query.reload()
    info = await served(query)
    assert info["snapshot_id"] == good.snapshot_id
    assert info["degraded"] is not None
    newer = builder.publish()
    await query.reload()
    info = await served(query)
    assert (info["snapshot_id"], info["degraded"]) == (newer.snapshot_id, None)


async def test_with_nothing_valid_it_is_not_ready_and_then_recovers(
    builder: SnapshotBuilder, query: RunningQuery
) -> None:
    for _ in range(2):
        truncate(builder.store.folder(builder.publish().snapshot_id) / PASSAGES_FILE)
    await query.reload()
    assert await search_status(query) == 503
    builder.publish()
    await query.reload()
    assert await search_status(query) == 200


async def test_a_bad_snapshot_is_retried_without_being_asked(
    tmp_path: Path, builder: SnapshotBuilder, encoder: HashEncoder
) -> None:
    settings = query_settings(tmp_path, reload_interval_s=0.01)
    bad = builder.publish()
    target = builder.store.folder(bad.snapshot_id) / CATALOGUE_FILE
    untouched = target.read_bytes()
    truncate(target)
    async with running_query(settings, always(encoder)) as query:

        async def has_failed_often() -> bool:
            text = (await query.client.get("/metrics")).text
            line = 'movie_search_reloads_total{outcome="failed"} '
            count = next((row for row in text.splitlines() if row.startswith(line)), line + "0")
            return float(count.removeprefix(line)) >= 3

        await async_wait_until(has_failed_often)
        target.write_bytes(untouched)

        async def is_ready() -> bool:
            return (await query.client.get("/readyz")).status_code == 200

        await async_wait_until(is_ready)


async def test_a_store_that_is_no_folder_is_looked_at_again(
    tmp_path: Path, builder: SnapshotBuilder, encoder: HashEncoder
) -> None:
    builder.store.root.write_text("in the way")
    settings = query_settings(tmp_path, reload_interval_s=0.01)
    async with running_query(settings, always(encoder)) as query:

        async def is_degraded() -> bool:
            return query.service.reloader.degraded is not None

        await async_wait_until(is_degraded)
        assert await search_status(query) == 503
        builder.store.root.unlink()
        builder.publish()

        async def is_ready() -> bool:
            return (await query.client.get("/readyz")).status_code == 200

        await async_wait_until(is_ready)


async def test_rolling_back_is_followed(query: RunningQuery, builder: SnapshotBuilder) -> None:
    old = builder.publish()
    builder.publish()
    await query.reload()
    point_current_at(builder.store, old.snapshot_id)
    await query.reload()
    assert (await served(query))["snapshot_id"] == old.snapshot_id


async def test_a_snapshot_of_another_encoder_is_never_served(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    """The factory of this service always opens the same encoder."""
    good = builder.publish()
    await query.reload()
    SnapshotBuilder(builder.store, HashEncoder(salt="another"), builder.sequence).publish()
    await query.reload()
    info = await served(query)
    assert info["snapshot_id"] == good.snapshot_id
    assert "encoder" in str(info["degraded"])


async def test_without_the_encoders_artefact_a_snapshot_is_not_served(
    tmp_path: Path, builder: SnapshotBuilder
) -> None:
    builder.publish()
    async with running_query(query_settings(tmp_path), None) as query:  # the real factory
        await query.reload()
        assert await search_status(query) == 503
        degraded = query.service.reloader.degraded
        assert degraded is not None
        assert str(tmp_path) not in degraded


async def test_a_snapshot_with_a_bad_vector_is_not_served(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    """The hashes are right, but a publisher without checks has written invalid vectors."""
    good = builder.publish()
    await query.reload()
    for value in (np.nan, np.inf, 0.0, 3.0):
        bad = builder.publish()
        forge(builder.store, bad, value)
        await query.reload()
        info = await served(query)
        assert info["snapshot_id"] == good.snapshot_id
        assert "vector" in str(info["degraded"])


def forge(store: SnapshotStore, manifest: Manifest, value: float) -> None:
    from shared.snapshot.storage.verify import describe_file  # noqa: PLC0415

    folder = store.folder(manifest.snapshot_id)
    content = bytearray((folder / VECTORS_FILE).read_bytes())
    row = 4 * manifest.encoder.dim
    content[HEADER_BYTES : HEADER_BYTES + row] = np.full(
        manifest.encoder.dim, value, np.float32
    ).tobytes()
    (folder / VECTORS_FILE).write_bytes(content)
    files = {**manifest.files, VECTORS_FILE: describe_file(folder / VECTORS_FILE)}
    (folder / MANIFEST).write_bytes(manifest.model_copy(update={"files": files}).to_bytes())
    point_current_at(store, manifest.snapshot_id)


async def test_the_encoder_is_opened_once_for_snapshots_of_the_same_one(
    tmp_path: Path, builder: SnapshotBuilder
) -> None:
    opened: list[str] = []

    def factory(salt: str) -> EncoderFactory:
        def open_encoder(manifest: Manifest) -> Encoder:
            opened.append(manifest.encoder.encoder_id)
            encoder = HashEncoder(salt=salt)
            return encoder if encoder.spec.encoder_id == opened[-1] else HashEncoder(salt="new")

        return open_encoder

    async with running_query(query_settings(tmp_path), factory("")) as query:
        for _ in range(3):
            builder.publish()
            await query.reload()
        assert len(opened) == 1
        other = HashEncoder(salt="new")
        SnapshotBuilder(builder.store, other, builder.sequence).publish()
        await query.reload()
        assert opened[1:] == [other.spec.encoder_id]
        assert await search_status(query) == 200


async def test_the_served_snapshot_is_leased_and_the_old_one_is_not(
    tmp_path: Path, builder: SnapshotBuilder, encoder: HashEncoder
) -> None:
    settings = query_settings(tmp_path)
    async with running_query(settings, always(encoder)) as query:
        old = builder.publish()
        await query.reload()
        assert leased(settings.leases) == {old.snapshot_id}
        new = builder.publish()
        await query.reload()
        assert leased(settings.leases) == {new.snapshot_id}
        truncate(builder.store.folder(builder.publish().snapshot_id) / VECTORS_FILE)
        await query.reload()
        assert leased(settings.leases) == {new.snapshot_id}
    assert leased(settings.leases) == set()


async def test_an_old_generation_is_closed_after_its_last_use(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await query.reload()
    old = query.service.generation()
    reference = weakref.ref(old)
    catalogue = old.snapshot.catalogue
    builder.publish([SPACE])
    await query.reload()
    assert query.service.generation() is not old
    assert catalogue.counts() == (4, 6, old.snapshot.manifest.counts.passages)  # still open
    del old
    gc.collect()
    assert reference() is None
    with pytest.raises(Exception, match="closed"):
        catalogue.counts()


async def test_reloads_do_not_leak_files(query: RunningQuery, builder: SnapshotBuilder) -> None:
    def open_files() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    builder.publish()
    await query.reload()
    before = open_files()
    for _ in range(15):
        builder.publish()
        await query.reload()
        assert await search_status(query) == 200
    assert open_files() <= before + 2
