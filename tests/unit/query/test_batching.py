from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest

from services.query.serving.batching import (
    MAX_BATCH,
    Batcher,
    Closed,
    Overloaded,
    QueueTimeout,
)
from services.query.serving.computing import Job
from services.query.serving.metrics import Metrics
from services.query.serving.requester import REQUESTER, Requester
from shared.encoder import Vectors
from tests.support.embedder.encoders import HashEncoder
from tests.support.waiting import async_wait_until

CAPACITY = 24


class GatedEncoder(HashEncoder):
    """Encodes once its gate is open; records batches and threads, and fails on "bad"."""

    def __init__(self, salt: str = "") -> None:
        super().__init__(salt=salt)
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.begun.set()
        assert self.gate.wait(20)
        self.threads.add(threading.get_ident())
        self.batches.append(list(texts))
        if any("bad" in text for text in texts):
            raise ArithmeticError("a bad text")
        return super().encode_queries(texts)


@pytest.fixture
async def batcher() -> AsyncIterator[Batcher]:
    batcher = Batcher(capacity=CAPACITY, timeout_s=20, metrics=Metrics())
    yield batcher
    await batcher.close()


def mine(text: str, encoder: HashEncoder) -> float:
    return float(HashEncoder.encode_queries(encoder, [text])[0][0])


async def begun(encoder: GatedEncoder) -> None:
    async def has_begun() -> bool:
        return encoder.begun.is_set()

    await async_wait_until(has_begun)


async def waiting(batcher: Batcher, count: int) -> None:
    async def are_waiting() -> bool:
        return len(batcher._waiting) == count

    await async_wait_until(are_waiting, what=f"{count} jobs wait")


async def test_waiting_jobs_are_encoded_together_and_each_gets_its_vectors(
    batcher: Batcher,
) -> None:
    encoder = GatedEncoder()

    def first(vectors: Vectors) -> float:
        encoder.threads.add(threading.get_ident())
        return float(vectors[0][0])

    texts = [f"query {n}" for n in range(1 + CAPACITY)]
    alone = asyncio.create_task(batcher.encode(encoder, [texts[0]], first))
    await begun(encoder)
    others = [asyncio.create_task(batcher.encode(encoder, [text], first)) for text in texts[1:]]
    await waiting(batcher, CAPACITY)
    encoder.gate.set()

    results = await asyncio.gather(alone, *others)

    plain = HashEncoder()
    assert [result.value for result in results] == pytest.approx(
        [mine(text, plain) for text in texts]
    )
    assert [len(batch) for batch in encoder.batches] == [1, *[MAX_BATCH] * (CAPACITY // MAX_BATCH)]
    assert len(encoder.threads) == 1
    assert threading.get_ident() not in encoder.threads


async def test_clients_that_repeat_at_once_end_up_in_one_batch(batcher: Batcher) -> None:
    encoder = GatedEncoder()

    async def ask_on_and_on(name: str) -> None:
        for n in range(6):
            await batcher.encode(encoder, [f"{name} {n}"], len)

    first = asyncio.create_task(ask_on_and_on("first"))
    await begun(encoder)
    others = [asyncio.create_task(ask_on_and_on(name)) for name in ("second", "third", "fourth")]
    await waiting(batcher, 3)
    encoder.gate.set()
    await asyncio.gather(first, *others)

    # First alone, then together with all others; the others finish without it.
    assert [len(batch) for batch in encoder.batches] == [1, 4, 4, 4, 4, 4, 3]


async def test_a_full_queue_refuses_and_then_recovers(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    tasks = [asyncio.create_task(batcher.encode(encoder, ["begun"], len))]
    await begun(encoder)
    tasks += [asyncio.create_task(batcher.encode(encoder, ["waits"], len)) for _ in range(CAPACITY)]
    await waiting(batcher, CAPACITY)
    with pytest.raises(Overloaded):
        await batcher.encode(encoder, ["too many"], len)
    encoder.gate.set()
    assert len(await asyncio.gather(*tasks)) == 1 + CAPACITY
    assert (await batcher.encode(encoder, ["again"], len)).value == 1


async def test_a_late_job_is_dropped_at_once_and_never_computed() -> None:
    batcher = Batcher(capacity=4, timeout_s=0.05, metrics=Metrics())
    encoder = GatedEncoder()
    slow = asyncio.create_task(batcher.encode(encoder, ["slow"], len))
    await begun(encoder)
    with pytest.raises(QueueTimeout):  # while the thread is still busy
        await batcher.encode(encoder, ["late"], len)
    assert not slow.done()
    encoder.gate.set()
    assert (await slow).value == 1
    await batcher.run(int)
    assert encoder.batches == [["slow"]]
    await batcher.close()


async def test_a_job_whose_timer_is_late_is_not_computed_either() -> None:
    """A busy event loop runs its timers late, so the age of a job counts when it is taken."""
    now_s = 0.0
    batcher = Batcher(capacity=4, timeout_s=20, metrics=Metrics(), clock=lambda: now_s)
    encoder = GatedEncoder()
    first = asyncio.create_task(batcher.encode(encoder, ["first"], len))
    await begun(encoder)
    late = asyncio.create_task(batcher.encode(encoder, ["late"], len))
    await waiting(batcher, 1)
    now_s += 21
    in_time = asyncio.create_task(batcher.encode(encoder, ["in time"], len))
    await waiting(batcher, 2)
    encoder.gate.set()
    with pytest.raises(QueueTimeout):
        await late
    assert (await first).value == (await in_time).value == 1
    assert encoder.batches == [["first"], ["in time"]]
    await batcher.close()


async def test_nobody_waits_for_several_jobs_of_another(batcher: Batcher) -> None:
    encoder = GatedEncoder()

    async def ask(client: str, text: str) -> None:
        REQUESTER.set(Requester(client))
        await batcher.encode(encoder, [text], len)

    tasks = [asyncio.create_task(ask("greedy", "begun"))]
    await begun(encoder)
    tasks += [asyncio.create_task(ask("greedy", f"greedy {n}")) for n in range(4)]
    await waiting(batcher, 4)
    tasks += [asyncio.create_task(ask(f"modest {n}", f"modest {n}")) for n in range(3)]
    await waiting(batcher, 7)
    encoder.gate.set()
    await asyncio.gather(*tasks)
    # Those with one search each are computed together, and the others one by one; the last is one.
    assert encoder.batches == [
        ["begun"], ["modest 0", "modest 1", "modest 2"],
        ["greedy 0"], ["greedy 1"], ["greedy 2"], ["greedy 3"],
    ]  # fmt: skip


async def test_a_text_that_fails_fails_alone(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    blocker = asyncio.create_task(batcher.encode(encoder, ["blocker"], len))
    await begun(encoder)
    texts = ["one", "bad one", "three"]
    tasks = [asyncio.create_task(batcher.encode(encoder, [text], len)) for text in texts]
    await waiting(batcher, 3)
    encoder.gate.set()
    good, bad, also_good = await asyncio.gather(*tasks, return_exceptions=True)
    await blocker
    assert isinstance(bad, ArithmeticError)
    assert not isinstance(good, BaseException)
    assert not isinstance(also_good, BaseException)


async def test_a_finish_that_fails_fails_alone(batcher: Batcher) -> None:
    encoder = HashEncoder()

    def fail(_: object) -> None:
        raise LookupError("gone")

    results = await asyncio.gather(
        batcher.encode(encoder, ["a"], len),
        batcher.encode(encoder, ["b"], fail),
        batcher.run(lambda: "work"),
        return_exceptions=True,
    )
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], LookupError)
    assert not isinstance(results[2], BaseException)
    assert results[2].value == "work"


async def test_two_encoders_are_never_mixed(batcher: Batcher) -> None:
    old, new = GatedEncoder("old"), GatedEncoder("new")
    new.gate.set()
    tasks = [asyncio.create_task(batcher.encode(old, ["begun"], len))]
    await begun(old)
    for n in range(6):
        encoder = (old, new)[n % 2]
        tasks.append(asyncio.create_task(batcher.encode(encoder, [f"text {n}"], len)))
    await waiting(batcher, 6)
    old.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(text for batch in old.batches for text in batch) == [
        "begun", "text 0", "text 2", "text 4",
    ]  # fmt: skip
    assert sorted(text for batch in new.batches for text in batch) == [
        "text 1", "text 3", "text 5",
    ]  # fmt: skip


async def test_a_caller_that_leaves_frees_its_place(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    first = asyncio.create_task(batcher.encode(encoder, ["first"], len))
    await begun(encoder)
    leaver = asyncio.create_task(batcher.encode(encoder, ["leaver"], len))
    await waiting(batcher, 1)
    leaver.cancel()
    await waiting(batcher, 0)
    first.cancel()  # while it is computed
    encoder.gate.set()
    assert (await batcher.encode(encoder, ["next"], len)).value == 1
    assert encoder.batches == [["first"], ["next"]]


async def test_closing_finishes_the_running_job_and_fails_the_waiting_ones() -> None:
    batcher = Batcher(capacity=4, timeout_s=20, metrics=Metrics())
    encoder = GatedEncoder()
    running = asyncio.create_task(batcher.encode(encoder, ["running"], len))
    await begun(encoder)
    waits = asyncio.create_task(batcher.encode(encoder, ["waits"], len))
    await waiting(batcher, 1)
    closing = asyncio.create_task(batcher.close())
    encoder.gate.set()
    await closing
    assert (await running).value == 1
    with pytest.raises(Closed):
        await waits
    with pytest.raises(Closed):
        await batcher.run(int)


async def test_a_job_of_several_texts_gets_its_vectors_in_order(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    blocker = asyncio.create_task(batcher.encode(encoder, ["blocker"], len))
    await begun(encoder)
    texts_of_jobs = [["one", "two"], ["three"], [], ["four", "five", "six"]]
    tasks = [
        asyncio.create_task(batcher.encode(encoder, texts, lambda vectors: vectors[:, 0].tolist()))
        for texts in texts_of_jobs
        if texts
    ]
    nothing = asyncio.create_task(batcher.encode(encoder, [], lambda vectors: vectors.shape))
    await waiting(batcher, 4)
    encoder.gate.set()
    results = [result.value for result in await asyncio.gather(*tasks)]
    plain = HashEncoder()
    assert results == [
        pytest.approx([mine(text, plain) for text in texts]) for texts in texts_of_jobs if texts
    ]
    assert (await nothing).value == (0, 0)
    assert (await nothing).encode_ms == 0
    await blocker
    assert encoder.batches == [["blocker"], ["one", "two", "three", "four", "five", "six"]]


async def test_jobs_that_come_together_are_admitted_together(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    tasks = [asyncio.create_task(batcher.encode(encoder, ["begun"], len))]
    await begun(encoder)
    half = [Job([f"text {n}"], lambda vectors: float(vectors[0, 0])) for n in range(CAPACITY // 2)]
    first = asyncio.create_task(batcher.encode_all(encoder, half))
    await waiting(batcher, CAPACITY // 2)
    with pytest.raises(Overloaded):  # one job too many, so none is admitted
        await batcher.encode_all(encoder, [*half, half[0]])
    assert len(batcher._waiting) == CAPACITY // 2
    tasks.append(asyncio.create_task(batcher.encode(encoder, ["fits"], len)))
    await waiting(batcher, CAPACITY // 2 + 1)
    encoder.gate.set()
    plain = HashEncoder()
    assert [result.value for result in await first] == pytest.approx(
        [mine(f"text {n}", plain) for n in range(CAPACITY // 2)]
    )
    await asyncio.gather(*tasks)


async def test_more_than_the_queue_holds_is_admitted_when_no_job_waits(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    encoder.gate.set()
    jobs = [Job([f"text {n}"], len) for n in range(CAPACITY + 5)]
    assert [result.value for result in await batcher.encode_all(encoder, jobs)] == [1] * len(jobs)


async def test_one_failure_of_several_is_raised_when_all_have_ended(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    encoder.gate.set()
    ended: list[int] = []
    jobs = [
        Job(["good"], lambda vectors: ended.append(1)),
        Job(["bad"], lambda vectors: ended.append(2)),
        Job(["good too"], lambda vectors: ended.append(3)),
    ]
    with pytest.raises(ArithmeticError):
        await batcher.encode_all(encoder, jobs)
    assert ended == [1, 3]
    assert len(batcher._waiting) == 0


async def test_a_caller_of_several_that_leaves_frees_all_places(batcher: Batcher) -> None:
    encoder = GatedEncoder()
    first = asyncio.create_task(batcher.encode(encoder, ["first"], len))
    await begun(encoder)
    leaver = asyncio.create_task(batcher.encode_all(encoder, [Job(["leaver"], len)] * 5))
    await waiting(batcher, 5)
    leaver.cancel()
    await waiting(batcher, 0)
    encoder.gate.set()
    await first
    assert encoder.batches == [["first"]]
