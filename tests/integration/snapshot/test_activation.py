"""Rolling back and forward: asked for over HTTP, carried out by the store's owner."""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.embedder.database.engine import open_engine
from services.embedder.publishing.activation_handler import ActivationHandler
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from services.query.api.admin.admin_schemas import SnapshotEntry, SnapshotList
from shared.delivery.keys import ACTIVATIONS_QUEUE, SNAPSHOTS_CHANNEL
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import Client, connect
from shared.runs import activation_requests, registry
from shared.runs.activation_requests import Activation
from shared.snapshot import commit
from shared.snapshot.commit import Promote
from shared.snapshot.storage.leases import EXPIRES_AFTER_S, leased
from shared.snapshot.storage.manifest import CATALOGUE_FILE, CURRENT, MANIFEST, Manifest
from shared.snapshot.storage.store import SnapshotStore
from tests.support.delivery.messages import movie, review, run_end
from tests.support.delivery.redis_server import RedisServer
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import ended, send
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, MOVIES, SnapshotBuilder
from tests.support.waiting import async_wait_until

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


@pytest.fixture
def builder(store: SnapshotStore) -> SnapshotBuilder:
    return SnapshotBuilder(store, HashEncoder())


@pytest.fixture
async def query(
    tmp_path: Path, redis_url: str, builder: SnapshotBuilder
) -> AsyncIterator[RunningQuery]:
    settings = query_settings(tmp_path, redis_url=redis_url, admin_token=TOKEN)
    async with running_query(settings, always(builder.encoder)) as running:
        yield running


class Owner:
    """The embedder's part, and what it was told to record."""

    def __init__(self, redis: Client, store: SnapshotStore, encoder: HashEncoder) -> None:
        self.recorded: list[str] = []
        self.leases = store.root.parent / "leases"
        self._activations = ActivationHandler(
            redis,
            store,
            encoder_id=encoder.spec.encoder_id,
            lease_folder=self.leases,
            on_activated=lambda manifest: self.recorded.append(manifest.snapshot_id),
        )

    async def carry_out(self) -> None:
        await self._activations.carry_out()


@pytest.fixture
def owner(redis: Client, store: SnapshotStore, builder: SnapshotBuilder) -> Owner:
    assert isinstance(builder.encoder, HashEncoder)
    return Owner(redis, store, builder.encoder)


async def listed(query: RunningQuery) -> SnapshotList:
    response = await query.client.get("/admin/snapshots", headers=BEARER)
    assert response.status_code == 200, response.text
    return SnapshotList.model_validate_json(response.content)


async def activate(query: RunningQuery, manifest: Manifest) -> str:
    """Where the activation is to be followed."""
    path = f"/admin/snapshots/{manifest.snapshot_id}/activate"
    response = await query.client.post(path, headers=BEARER)
    assert response.status_code == 202, response.text
    wanted = Activation.model_validate_json(response.content)
    assert (wanted.snapshot_id, wanted.state) == (manifest.snapshot_id, "queued")
    location: str = response.headers["Location"]
    assert location == f"/admin/activations/{wanted.activation_id}"
    return location


async def activation(query: RunningQuery, location: str) -> Activation:
    response = await query.client.get(location, headers=BEARER)
    assert response.status_code == 200, response.text
    return Activation.model_validate_json(response.content)


async def served(query: RunningQuery) -> str:
    await query.reload()
    snapshot_id: str = (await query.client.get("/snapshot")).json()["snapshot_id"]
    return snapshot_id


async def test_snapshots_are_listed_newest_first_with_what_they_hold(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    assert await listed(query) == SnapshotList(current=None, served=None, snapshots=[])
    small, large = builder.publish([BOXER]), builder.publish(MOVIES)
    await query.reload()
    newest = builder.publish([BOXER])
    found = await listed(query)
    assert (found.current, found.served) == (newest.snapshot_id, large.snapshot_id)
    assert [one.snapshot_id for one in found.snapshots] == [
        newest.snapshot_id, large.snapshot_id, small.snapshot_id,
    ]  # fmt: skip
    assert [(one.current, one.served, one.leased) for one in found.snapshots] == [
        (True, False, False), (False, True, True), (False, False, False),
    ]  # fmt: skip
    folder = builder.store.folder(large.snapshot_id)
    bytes_there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert found.snapshots[1] == SnapshotEntry(
        snapshot_id=large.snapshot_id,
        created_at=large.created_at,
        movies=4,
        reviews=large.counts.reviews,
        passages=large.counts.passages,
        encoder_id=large.encoder.encoder_id,
        model="hash",
        size_bytes=bytes_there - (folder / MANIFEST).stat().st_size,
        current=False,
        served=True,
        leased=True,
    )


async def test_a_snapshot_that_cannot_be_read_is_listed_with_its_problem(
    query: RunningQuery, builder: SnapshotBuilder
) -> None:
    broken, good = builder.publish(), builder.publish()
    (builder.store.folder(broken.snapshot_id) / MANIFEST).write_text("{")
    (builder.store.root / CURRENT).write_text("?")
    found = await listed(query)
    assert found.current is None
    assert [(one.snapshot_id, one.movies, bool(one.problem)) for one in found.snapshots] == [
        (good.snapshot_id, 4, False), (broken.snapshot_id, None, True),
    ]  # fmt: skip


async def test_listing_needs_no_redis(tmp_path: Path, builder: SnapshotBuilder) -> None:
    manifest = builder.publish()
    settings = query_settings(tmp_path, admin_token=TOKEN)
    async with running_query(settings, always(builder.encoder)) as query:
        assert (await listed(query)).current == manifest.snapshot_id
        path = f"/admin/snapshots/{manifest.snapshot_id}/activate"
        response = await query.client.post(path, headers=BEARER)
        assert response.status_code == 503


async def test_back_and_forward_while_serving(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner, redis: Client
) -> None:
    old, new = builder.publish([BOXER]), builder.publish(MOVIES)
    assert await served(query) == new.snapshot_id
    heard = redis.pubsub()
    await heard.subscribe(SNAPSHOTS_CHANNEL)
    assert (await heard.get_message(timeout=60))["type"] == "subscribe"

    location = await activate(query, old)
    assert (await activation(query, location)).state == "queued"
    assert await served(query) == new.snapshot_id  # nobody has carried it out
    await owner.carry_out()
    done = await activation(query, location)
    assert (done.state, done.replaced, done.reason) == ("done", new.snapshot_id, None)
    assert done.ended_at is not None
    assert (await heard.get_message(timeout=60))["data"] == old.snapshot_id
    assert await served(query) == old.snapshot_id
    assert len((await query.client.get("/movies")).json()["movies"]) == 1

    location = await activate(query, new)
    await owner.carry_out()
    assert (await activation(query, location)).replaced == old.snapshot_id
    assert await served(query) == new.snapshot_id
    assert owner.recorded == [old.snapshot_id, new.snapshot_id]
    await heard.aclose()


async def test_requests_are_carried_out_in_order(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    first, second, third = (builder.publish() for _ in range(3))
    wanted = [await activate(query, one) for one in (first, third, second)]
    await owner.carry_out()
    assert [(await activation(query, one)).state for one in wanted] == ["done"] * 3
    assert builder.store.current().snapshot_id == second.snapshot_id


async def test_what_is_unknown_is_404_and_leaves_nothing(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner, redis: Client
) -> None:
    builder.publish()
    for name in ("00000009-00000000", "..", "%2e%2e", "encoders", "x" * 500):
        response = await query.client.post(f"/admin/snapshots/{name}/activate", headers=BEARER)
        assert response.status_code == 404, name
    response = await query.client.get("/admin/activations/none", headers=BEARER)
    former = await query.client.get("/admin/snapshots/activations/none", headers=BEARER)
    assert former.json()["code"] == response.json()["code"]
    assert response.status_code == 404
    assert response.json()["code"] == "unknown-activation"
    assert await redis.keys("activation*") == []
    assert leased(owner.leases) == set()


def damage(store: SnapshotStore, manifest: Manifest) -> None:
    path = store.folder(manifest.snapshot_id) / CATALOGUE_FILE
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)


async def test_a_damaged_snapshot_is_refused_and_nothing_changes(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    old, new = builder.publish(), builder.publish()
    damage(builder.store, old)
    before = (builder.store.root / CURRENT).read_bytes()
    location = await activate(query, old)
    await owner.carry_out()
    done = await activation(query, location)
    assert done.state == "refused"
    assert CATALOGUE_FILE in (done.reason or "")
    assert (builder.store.root / CURRENT).read_bytes() == before
    assert owner.recorded == []
    assert await served(query) == new.snapshot_id
    assert leased(owner.leases) == {new.snapshot_id}  # the reader's


async def test_a_snapshot_of_another_encoder_is_refused(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    other = SnapshotBuilder(builder.store, HashEncoder(salt="another")).publish()
    builder.sequence = 1
    ours = builder.publish()
    location = await activate(query, other)
    await owner.carry_out()
    done = await activation(query, location)
    assert done.state == "refused"
    assert other.encoder.encoder_id in (done.reason or "")
    assert builder.store.current().snapshot_id == ours.snapshot_id


async def test_retention_spares_what_is_asked_for_until_it_is_carried_out(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    manifests = [builder.publish() for _ in range(6)]
    location = await activate(query, manifests[0])
    [lease] = owner.leases.iterdir()
    waits_s = lease.stat().st_mtime + EXPIRES_AFTER_S - time.time()
    assert 3000 < waits_s <= 3600
    deleted = commit.retain(builder.store, keep=3, lease_folder=owner.leases)
    assert deleted == [manifests[2].snapshot_id, manifests[1].snapshot_id]
    await owner.carry_out()
    assert (await activation(query, location)).state == "done"
    assert not lease.exists()
    assert commit.retain(builder.store, keep=3, lease_folder=owner.leases) == []  # it is current


async def test_what_was_deleted_meanwhile_is_refused(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    manifests = [builder.publish() for _ in range(4)]
    location = await activate(query, manifests[0])
    [lease] = owner.leases.iterdir()
    os.utime(lease, (0, 0))  # nobody carried it out in time
    assert commit.retain(builder.store, keep=3, lease_folder=owner.leases)
    await owner.carry_out()
    done = await activation(query, location)
    assert done.state == "refused"
    assert "no such snapshot" in (done.reason or "")
    assert builder.store.current().snapshot_id == manifests[3].snapshot_id


async def test_a_busy_store_lets_it_wait(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    old, new = builder.publish(), builder.publish()
    location = await activate(query, old)
    with commit.locked(builder.store.root):
        await owner.carry_out()
        assert (await activation(query, location)).state == "queued"
        assert builder.store.current().snapshot_id == new.snapshot_id
    await owner.carry_out()
    assert (await activation(query, location)).state == "done"
    assert builder.store.current().snapshot_id == old.snapshot_id


async def test_what_was_cut_short_is_done_again(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner, redis: Client
) -> None:
    """The owner died after it had swapped CURRENT, before it had said so."""
    old = builder.publish()
    builder.publish()
    location = await activate(query, old)
    commit.point_current_at(builder.store, old.snapshot_id)
    await owner.carry_out()
    assert (await activation(query, location)).state == "done"
    assert await redis.llen(ACTIVATIONS_QUEUE) == 0


async def test_a_forgotten_request_is_dropped(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner, redis: Client
) -> None:
    first, second, third = (builder.publish() for _ in range(3))
    forgotten = await activate(query, first)
    key = f"activation:{forgotten.rpartition('/')[2]}"
    assert 0 < await redis.ttl(key) <= activation_requests.KEPT_S
    await redis.delete(key)
    kept = await activate(query, second)
    await owner.carry_out()
    assert (await activation(query, kept)).replaced == third.snapshot_id
    assert await redis.llen(ACTIVATIONS_QUEUE) == 0


async def test_an_unwritable_store_is_said(
    query: RunningQuery, builder: SnapshotBuilder, owner: Owner
) -> None:
    old, new = builder.publish(), builder.publish()
    location = await activate(query, old)
    (builder.store.root / f"{CURRENT}.tmp").mkdir()
    await owner.carry_out()
    done = await activation(query, location)
    assert done.state == "refused"
    assert "cannot be written" in (done.reason or "")
    assert builder.store.current().snapshot_id == new.snapshot_id


@asynccontextmanager
async def embedder(
    settings: EmbedderSettings, promote: Promote | None = None
) -> AsyncIterator[None]:
    engine = open_engine(settings.database)
    stop = asyncio.Event()
    service = Embedder(settings, engine, HashEncoder(), precision="f32", promote=promote)
    task = asyncio.create_task(service.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task
        engine.dispose()


@asynccontextmanager
async def whole_system(
    tmp_path: Path, redis_url: str
) -> AsyncIterator[tuple[RunningQuery, EmbedderSettings]]:
    settings = EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )
    serving = query_settings(tmp_path, redis_url=redis_url, admin_token=TOKEN)
    async with running_query(serving, always(HashEncoder())) as query:
        yield query, settings


async def crawl(redis: Client, text: str) -> str:
    """One more review of a movie; the snapshot in which it became searchable."""
    run, _ = await registry.request_run(redis, "test")
    number = zlib.crc32(text.encode())
    items: list[MovieMessage | ReviewMessage] = [
        movie(1, run_id=run.run_id),
        review(1, number, text, run_id=run.run_id),
    ]
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    return (await ended(redis, run)).snapshot_id or ""


async def concluded(query: RunningQuery, location: str) -> Activation:
    async def found() -> Activation | None:
        one = await activation(query, location)
        return one if one.state != "queued" else None

    done = await async_wait_until(found)
    assert done is not None
    return done


async def test_a_roll_back_lasts_over_restarts_until_something_new_is_published(
    tmp_path: Path, redis_url: str, redis: Client, store: SnapshotStore
) -> None:
    async with whole_system(tmp_path, redis_url) as (query, settings):
        async with embedder(settings):
            old, new = await crawl(redis, "A kind film."), await crawl(redis, "A dull film.")
            assert store.current().snapshot_id == new > old
            done = await concluded(query, await activate(query, store.manifest(old)))
            assert (done.state, done.replaced) == ("done", new)
        for _ in range(2):
            async with embedder(settings):
                # Crawled again, unchanged: the embedder has looked whether to publish, and has not.
                assert await crawl(redis, "A kind film.") == new
                assert store.current().snapshot_id == old
                assert store.snapshot_ids() == [new, old]
        async with embedder(settings):
            newest = await crawl(redis, "A loud film.")
            assert store.current().snapshot_id == newest > new
        assert store.manifest(newest).counts.reviews == 3


async def test_what_was_asked_for_while_the_embedder_was_away_comes_first(
    tmp_path: Path, redis_url: str, redis: Client, store: SnapshotStore
) -> None:
    async with whole_system(tmp_path, redis_url) as (query, settings):
        async with embedder(settings):
            old, new = await crawl(redis, "A kind film."), await crawl(redis, "A dull film.")
        location = await activate(query, store.manifest(old))
        assert store.current().snapshot_id == new
        async with embedder(settings):
            assert (await concluded(query, location)).state == "done"
        assert store.current().snapshot_id == old


async def test_what_the_canaries_refused_can_be_activated_and_stays(
    tmp_path: Path, redis_url: str, redis: Client, store: SnapshotStore
) -> None:
    async with whole_system(tmp_path, redis_url) as (query, settings):
        async with embedder(settings):
            good = await crawl(redis, "A kind film.")
        async with embedder(settings, promote=lambda _: "a canary is dead"):
            await crawl(redis, "A dull film.")
            assert store.current().snapshot_id == good
            # What is noted while it is refused may be a reason to try it once more.
            [refused, *older] = [one for one in store.snapshot_ids() if one != good]
            location = await activate(query, store.manifest(refused))
            assert (await concluded(query, location)).state == "done"
        async with embedder(settings):  # which no canary would keep from publishing it once more
            assert await crawl(redis, "A kind film.") == refused
        assert store.current().snapshot_id == refused
        assert store.snapshot_ids() == [refused, *older, good]


async def test_without_redis_no_lease_is_left(
    tmp_path: Path, builder: SnapshotBuilder, private_redis: RedisServer
) -> None:
    manifest = builder.publish()
    settings = query_settings(tmp_path, redis_url=private_redis.url, admin_token=TOKEN)
    async with running_query(settings, always(builder.encoder)) as query:
        private_redis.kill()
        path = f"/admin/snapshots/{manifest.snapshot_id}/activate"
        assert (await query.client.post(path, headers=BEARER)).status_code == 503
        held = [path.name for path in (tmp_path / "leases").iterdir()]
        assert not [name for name in held if "activation" in name]
        private_redis.start()
        await activate(query, manifest)
        redis = connect(private_redis.url)
        assert await redis.llen(ACTIVATIONS_QUEUE) == 1
        await redis.aclose()
