"""Memory of the query process: over many reloads, under load, and at the peak of a reload."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from shared.encoder import EncoderSpec
from shared.record import MovieRecord
from shared.snapshot.commit import Draft, point_current_at, publish
from shared.snapshot.storage.manifest import EncoderName
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.writer import EncodedReview, SnapshotWriter
from shared.text.passages import Span
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always, query_settings, running_query
from tests.support.waiting import async_wait_until

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[3]
DIM = 256
MOVIES, PASSAGES = 800, 60
RELOADS = 50


def snapshot(store: SnapshotStore, sequence: int, spec: EncoderSpec) -> int:
    """Publish a snapshot of random vectors; return the size of its files in bytes."""
    random = np.random.default_rng(sequence)
    text = " ".join(f"{random.integers(10**6)} words of a review." for _ in range(300))
    spans = [Span(20 * n, 20 * n + 15) for n in range(PASSAGES)]

    def write(folder: Path) -> Draft:
        with SnapshotWriter(folder, dim=DIM, passages=MOVIES * PASSAGES) as writer:
            for n in range(MOVIES):
                vectors = random.normal(size=(PASSAGES + 1, DIM)).astype(np.float32)
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                review = EncodedReview(
                    review_id=f"r{n}", text=text, spans=spans, vectors=vectors[1:]
                )
                writer.add(MovieRecord(f"tt{n}", title=f"Movie {n}"), [review], vectors[0])
        name = EncoderName(
            encoder_id=spec.encoder_id, model="hash", dim=DIM, passage_precision="f32"
        )
        return Draft(writer.counts, name)

    manifest = publish(store, sequence=sequence, write=write)
    return sum(entry.size_bytes for entry in manifest.files.values())


def memory(name: str) -> int:
    """Read a line of this process's ``/proc`` status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def forget_peak() -> None:
    """Reset the high-water mark of the memory."""
    Path("/proc/self/clear_refs").write_text("5")


async def reload_under_load(folder: Path) -> dict[str, float]:
    """Reload two snapshots in turn while searches run; return the growth of memory in bytes."""
    encoder = HashEncoder(dim=DIM)
    store = SnapshotStore(folder / "snapshots")
    size = max(snapshot(store, sequence, encoder.spec) for sequence in (1, 2))
    ids = store.snapshot_ids()
    failed = answers = 0
    stop = False
    async with running_query(query_settings(folder), always(encoder)) as query:
        await query.reload()

        async def ask(number: int) -> None:
            nonlocal failed, answers
            while not stop:
                text = f"words of a review {number} {answers}"
                response = await query.client.post("/search", json={"query": text, "k": 20})
                failed += response.status_code != 200
                answers += 1

        async def reload(times: int) -> None:
            for _ in range(times):
                point_current_at(store, ids[ids[0] == query.service.generation().snapshot_id])
                before = answers
                await query.reload()

                async def are_answered(target: int = before + 8) -> bool:
                    return answers >= target

                await async_wait_until(are_answered, what="searches go on")

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(ask(number))
            await reload(10)  # allocators and caches reach their final size
            base = memory("VmRSS")
            forget_peak()
            await reload(1)
            peak = memory("VmHWM")
            await reload(RELOADS)
            end = memory("VmRSS")
            stop = True
    return {
        "size": size, "base": base, "peak": peak, "end": end, "failed": failed, "answers": answers,
    }  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Measured in a separate process, so that no other test adds to its memory."""
    folder = tmp_path_factory.mktemp("memory")
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.query.test_memory", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return cast("dict[str, float]", json.loads(done.stdout.splitlines()[-1]))


def test_reloading_fifty_times_under_load_keeps_memory_and_fails_nobody(
    measured: dict[str, float],
) -> None:
    assert measured["failed"] == 0
    assert measured["answers"] > RELOADS * 8
    assert measured["end"] <= 1.05 * measured["base"], measured


def test_a_reload_takes_no_more_than_another_snapshot(measured: dict[str, float]) -> None:
    assert measured["size"] > 20e6
    assert measured["peak"] <= measured["base"] + 1.15 * measured["size"], measured


if __name__ == "__main__":
    print(json.dumps(asyncio.run(reload_under_load(Path(sys.argv[1])))))
