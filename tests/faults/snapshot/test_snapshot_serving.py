"""Rolling back, forward and on, under load: every answer is of one snapshot, and it says which.

The operator asks over HTTP, the store's owner carries it out through a real Redis server, and the
service follows, while clients ask without a pause. Each snapshot's movies carry its number in all
that is said of them, so that an answer of two would show.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from services.embedder.publishing.activation_handler import ActivationHandler
from services.query.api.admin.admin_schemas import SnapshotList
from shared.delivery.redis_client import Client
from shared.runs.activation_requests import Activation
from shared.snapshot import commit
from shared.snapshot.storage.manifest import Manifest
from shared.snapshot.storage.store import SnapshotStore
from tests.support.counts import Counted
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder
from tests.support.soak import times
from tests.support.waiting import async_wait_until

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
RELOADS = times(50, soak=500)
PUBLISH_EVERY = 10
PATHS = ("/search?q=the+same+words&k=20", "/movies/tt3/similar?k=20", "/movies?limit=20")


def marked(number: int) -> list[SampleMovie]:
    """Movies of a snapshot: as many as its number says, and marked with it."""
    return [
        SampleMovie(f"tt{n}", (f"The same words mark{number}.",), title=f"mark{number}")
        for n in range(20 + number % 7)
    ]


def marks_in(answer: object) -> set[str]:
    """All marks that are found anywhere in an answer."""
    if isinstance(answer, dict):
        return set().union(*(marks_in(value) for value in answer.values()))
    if isinstance(answer, list):
        return set().union(*(marks_in(value) for value in answer))
    words = answer.replace(".", " ").split() if isinstance(answer, str) else ()
    return {word for word in words if word.startswith("mark") and word[4:].isdigit()}


@dataclass
class Clients:
    """Who ask, and what they have been told."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    stop: bool = False

    async def ask(self, client: httpx.AsyncClient, paths: Sequence[str]) -> None:
        """One after the other until it is enough."""
        while not self.stop:
            for path in paths:
                self.judge(await client.get(path))

    def judge(self, response: httpx.Response) -> None:
        """What was answered must be of the snapshot that it names."""
        if response.status_code != 200:
            self.errors.append(f"{response.status_code}: {response.text[:200]}")
            return
        named = response.headers["X-Snapshot-ID"]
        found = response.json()
        mark = f"mark{int(named.split('-')[0])}"
        if found.get("snapshot_id", named) != named or marks_in(found) != {mark}:
            self.mixed.append(f"{named}: {found.get('snapshot_id')}, {marks_in(found)}")
        self.answers[named] += 1


def test_a_mixed_answer_would_be_seen() -> None:
    """The judge is held to its word: another id, another mark, an error."""
    clients = Clients()
    hits = [{"movie": {"title": "mark7"}, "evidence": [{"text": "The same words mark7."}]}]
    headers = {"X-Snapshot-ID": "00000007-aaaaaaaa"}
    answer = {"snapshot_id": "00000007-aaaaaaaa", "hits": hits}
    clients.judge(httpx.Response(200, json=answer, headers=headers))
    assert (clients.errors, clients.mixed) == ([], [])
    other = {"snapshot_id": "00000008-aaaaaaaa"}
    clients.judge(httpx.Response(200, json=answer | other, headers=headers))
    hits[0] = {"movie": {"title": "mark7"}, "evidence": [{"text": "The same words mark6."}]}
    clients.judge(httpx.Response(200, json=answer, headers=headers))
    assert len(clients.mixed) == 2
    clients.judge(httpx.Response(503, json={}))
    assert len(clients.errors) == 1


@dataclass
class Operator:
    """Rolls back and forward over HTTP, and makes the owner of the store do it."""

    query: RunningQuery
    owner: ActivationHandler
    clients: Clients

    async def activate(self, manifest: Manifest) -> None:
        """To the end: somebody has been answered from it."""
        path = f"/admin/snapshots/{manifest.snapshot_id}/activate"
        response = await self.query.client.post(path, headers=BEARER)
        assert response.status_code == 202, response.text
        await self.owner.carry_out()
        response = await self.query.client.get(response.headers["Location"], headers=BEARER)
        done = Activation.model_validate_json(response.content)
        assert done.state == "done", done
        await self.is_served(manifest)

    async def is_served(self, manifest: Manifest) -> None:
        """Wait until somebody has been answered from it."""
        before = self.clients.answers[manifest.snapshot_id]

        async def answered() -> bool:
            assert not self.clients.errors, self.clients.errors[:3]
            return self.clients.answers[manifest.snapshot_id] > before

        await async_wait_until(answered, what=f"{manifest.snapshot_id} is served")


async def test_every_answer_is_of_one_snapshot_however_often_it_changes(
    tmp_path: Path, redis: Client, redis_url: str, counted: Counted
) -> None:
    encoder = HashEncoder()
    store = SnapshotStore(tmp_path / "snapshots")
    builder = SnapshotBuilder(store, encoder)
    known = [builder.publish(marked(number), mapped=False) for number in range(1, 5)]
    settings = query_settings(
        tmp_path, redis_url=redis_url, admin_token=TOKEN, reload_interval_s=0.01, encode_queue=1000
    )
    owner = ActivationHandler(
        redis,
        store,
        encoder_id=encoder.spec.encoder_id,
        lease_folder=settings.leases,
        on_activated=lambda _: None,
    )
    chance = random.Random(6)
    clients = Clients()
    served = {known[-1].snapshot_id}
    reloads = 0
    async with running_query(settings, always(encoder)) as query:
        await query.reload()
        operator = Operator(query, owner, clients)
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(clients.ask(query.client, PATHS))
            try:
                await operator.is_served(known[-1])
                while reloads < RELOADS:
                    if reloads % PUBLISH_EVERY == PUBLISH_EVERY - 1:
                        movies = marked(builder.sequence + 1)
                        new = await asyncio.to_thread(builder.publish, movies, mapped=False)
                        await operator.is_served(new)
                        served.add(new.snapshot_id)
                        await asyncio.to_thread(
                            commit.retain, store, keep=4, lease_folder=settings.leases
                        )
                        there = set(store.snapshot_ids())
                        known = [one for one in [*known, new] if one.snapshot_id in there]
                    else:
                        current = store.current().snapshot_id
                        others = [one for one in known if one.snapshot_id != current]
                        wanted = chance.choice(others)
                        await operator.activate(wanted)
                        served.add(wanted.snapshot_id)
                    reloads += 1
            finally:
                clients.stop = True
        response = await query.client.get("/admin/snapshots", headers=BEARER)
        listed = SnapshotList.model_validate_json(response.content)
        assert listed.current == listed.served
    counted("reloads", reloads)
    counted("answers", clients.answers.total())
    assert clients.errors == []
    assert clients.mixed == []
    assert set(clients.answers) == served
    assert len(served) > RELOADS / PUBLISH_EVERY
    assert clients.answers.total() > RELOADS * 4
