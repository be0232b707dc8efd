"""One thread that does the work of searches, behind a bounded queue.

Tokenizers are not thread-safe, one inference at a time is fastest, and a snapshot's catalogue is
for one thread: so one thread encodes, ranks and reads. It takes whatever is waiting, up to
``MAX_BATCH`` jobs, encodes their texts in one call, then finishes each job with its own vector.
When it is idle a job starts at once; nothing is ever held back to fill a batch.

A job that finds the queue full is refused. A job that has waited too long is taken out of the queue
and never computed. A text that fails takes no other down: a batch that fails is encoded one by one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from services.query.metrics import Metrics
from shared.encoder import Encoder

MAX_BATCH = 16

T = TypeVar("T")
Vector = npt.NDArray[np.float32]


class Overloaded(RuntimeError):
    """As many jobs as may wait are waiting."""


class Late(RuntimeError):
    """The job waited too long to begin; nothing was computed."""


class Closed(RuntimeError):
    """The service is shutting down."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A job's result, and the milliseconds of its encoding (the batch's) and its finish."""

    value: T
    encode_ms: float
    finish_ms: float


@dataclass(eq=False, slots=True)
class _Job:
    encoder: Encoder | None
    text: str
    finish: Callable[[Vector | None], Any]
    result: asyncio.Future[Done[Any]]
    waiting_since: float = field(default_factory=time.perf_counter)


_Outcome = Done[Any] | Exception


class Batcher:
    """The work thread and its queue. Create it in a running event loop; ``close`` it."""

    def __init__(self, *, capacity: int, timeout_s: float, metrics: Metrics) -> None:
        """Start the thread.

        Args:
            capacity: Jobs that may wait; those being computed do not count.
            timeout_s: Longest wait before a job is given up.
            metrics: Told of every batch.
        """
        self._capacity = capacity
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._task = self._loop.create_task(self._work(), name="batcher")

    async def encode(self, encoder: Encoder, text: str, finish: Callable[[Vector], T]) -> Done[T]:
        """Encode a query and call ``finish`` with its vector, both on the work thread.

        Raises:
            Overloaded: the queue is full.
            Late: it did not begin in time.
            Closed: the service is shutting down.
            Exception: what encoding this text, or ``finish``, raised.
        """

        def with_vector(vector: Vector | None) -> T:
            assert vector is not None  # noqa: S101 - for types; jobs with an encoder get one
            return finish(vector)

        return await self._submit(encoder, text, with_vector)

    async def run(self, work: Callable[[], T]) -> Done[T]:
        """Call ``work`` on the work thread, in its turn. Raises as ``encode`` does."""
        return await self._submit(None, "", lambda _: work())

    async def close(self) -> None:
        """Finish the batch at work, fail what waits, end the thread."""
        self._closed = True
        self._wake.set()
        await self._task
        for job in self._waiting:
            if not job.result.done():
                job.result.set_exception(Closed())
        self._thread.shutdown(wait=True)

    async def _submit(
        self, encoder: Encoder | None, text: str, finish: Callable[[Vector | None], T]
    ) -> Done[T]:
        if self._closed:
            raise Closed
        if len(self._waiting) >= self._capacity:
            self._metrics.refused.labels("overloaded").inc()
            raise Overloaded
        job = _Job(encoder, text, finish, self._loop.create_future())
        self._waiting.append(job)
        self._wake.set()
        timer = self._loop.call_later(self._timeout_s, self._give_up, job)
        try:
            return await job.result
        finally:
            timer.cancel()
            with suppress(ValueError):  # its caller was cancelled while it waited
                self._waiting.remove(job)

    def _give_up(self, job: _Job) -> None:
        with suppress(ValueError):  # it has begun
            self._waiting.remove(job)
            self._metrics.refused.labels("late").inc()
            job.result.set_exception(Late())

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            if self._closed:
                return
            batch = self._take()
            if not batch:
                self._wake.clear()
                continue
            outcomes = await self._loop.run_in_executor(self._thread, _compute, batch)
            self._metrics.batch_size.observe(len(batch))
            for job, outcome in zip(batch, outcomes, strict=True):
                if job.result.done():  # its caller has gone
                    continue
                if isinstance(outcome, Exception):
                    job.result.set_exception(outcome)
                else:
                    self._metrics.encode_s.observe(outcome.encode_ms / 1000)
                    job.result.set_result(outcome)

    def _take(self) -> list[_Job]:
        """The next jobs, of one encoder: two meet only while a snapshot of another one loads."""
        batch: list[_Job] = []
        encoder: Encoder | None = None
        while self._waiting and len(batch) < MAX_BATCH:
            job = self._waiting[0]
            if job.encoder is not None:
                if encoder is not None and job.encoder is not encoder:
                    break
                encoder = job.encoder
            batch.append(self._waiting.popleft())
            self._metrics.queue_wait_s.observe(time.perf_counter() - job.waiting_since)
        return batch


def _compute(batch: list[_Job]) -> list[_Outcome]:
    """On the work thread: encode the texts together, then finish each job by itself."""
    vectors: dict[int, Vector | Exception] = {}
    texts = {n: job.text for n, job in enumerate(batch) if job.encoder is not None}
    encoder = next((job.encoder for job in batch if job.encoder is not None), None)
    started = time.perf_counter()
    if encoder is not None:
        vectors = _encode(encoder, texts)
    encode_ms = (time.perf_counter() - started) * 1000
    outcomes: list[_Outcome] = []
    for n, job in enumerate(batch):
        vector = vectors.get(n)
        if isinstance(vector, Exception):
            outcomes.append(vector)
            continue
        began = time.perf_counter()
        try:
            value = job.finish(vector)
        except Exception as error:  # noqa: BLE001 - it belongs to the job's caller
            outcomes.append(error)
            continue
        finish_ms = (time.perf_counter() - began) * 1000
        outcomes.append(Done(value, encode_ms if job.encoder is not None else 0.0, finish_ms))
    return outcomes


def _encode(encoder: Encoder, texts: dict[int, str]) -> dict[int, Vector | Exception]:
    try:
        return dict(zip(texts, encoder.encode_queries(list(texts.values())), strict=True))
    except Exception as error:  # noqa: BLE001 - each text is tried by itself below
        if len(texts) == 1:
            return dict.fromkeys(texts, error)
    alone: dict[int, Vector | Exception] = {}
    for n, text in texts.items():
        alone.update(_encode(encoder, {n: text}))
    return alone
