"""One thread that does the work of searches, behind a bounded queue.

Tokenizers are not thread-safe, one inference at a time is fastest, and a snapshot's catalogue is
for one thread: so one thread encodes, ranks and reads. It takes whatever is waiting, up to
``MAX_BATCH`` jobs, encodes the texts of all of them in one call, then finishes each job with its
own vectors. When it is idle a job starts at once; nothing is ever held back to fill a batch. But
when jobs wait, the event loop has its turn between two batches: answers are sent, and what has come
meanwhile is read. What was asked lately is not encoded again
(``services.query.serving.query_vectors``).

A job that finds the queue full is refused. Jobs that are handed in together are taken or refused
together, and each takes a place in the queue as if it had come alone. A job that has waited too
long is taken out of the queue and never computed. A text that fails takes no other job down: a
batch that fails is encoded job by job.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from services.query.serving.metrics import Metrics
from services.query.serving.query_vectors import QueryVectors
from shared.encoder import Encoder, Vectors

MAX_BATCH = 8  # encoding more together gains nothing that could be measured
TURNS = 4  # of the event loop: answers are sent, requests read, their tasks begun, jobs handed in

T = TypeVar("T")


class Overloaded(RuntimeError):
    """As many jobs as may wait are waiting."""


class QueueTimeout(RuntimeError):
    """The job waited too long to begin; nothing was computed."""


class Closed(RuntimeError):
    """The service is shutting down."""


@dataclass(frozen=True, slots=True)
class JobResult(Generic[T]):
    """A job's result, and the milliseconds of its encoding (the batch's) and its finish."""

    value: T
    encode_ms: float
    finish_ms: float


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """Something to compute.

    Attributes:
        texts: To encode; there may be none.
        finish: Called on the work thread with the texts' unit vectors, float32, shape
            ``(len(texts), dim)``.
    """

    texts: Sequence[str]
    finish: Callable[[Vectors], T]


@dataclass(eq=False, slots=True)
class _QueuedJob:
    encoder: Encoder | None  # None when there is nothing to encode
    work: Job[Any]
    result: asyncio.Future[JobResult[Any]]
    waiting_since: float = field(default_factory=time.perf_counter)
    is_waiting: bool = True


_Outcome = JobResult[Any] | Exception


class Batcher:
    """The work thread and its queue. Create it in a running event loop; ``close`` it."""

    def __init__(
        self, *, capacity: int, timeout_s: float, metrics: Metrics, cached_queries: int = 0
    ) -> None:
        """Start the thread.

        Args:
            capacity: Jobs that may wait; those being computed do not count.
            timeout_s: Longest wait before a job is given up.
            metrics: Told of every batch.
            cached_queries: Of how many queries the vectors are kept.
        """
        self._capacity = capacity
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._vectors = QueryVectors(cached_queries, metrics=metrics)
        self._waiting: deque[_QueuedJob] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._task = self._loop.create_task(self._work(), name="batcher")

    async def encode(
        self, encoder: Encoder, texts: Sequence[str], finish: Callable[[Vectors], T]
    ) -> JobResult[T]:
        """Encode texts and call ``finish`` with their vectors, both on the work thread.

        Raises:
            Overloaded: the queue is full.
            Late: it did not begin in time.
            Closed: the service is shutting down.
            Exception: what encoding these texts, or ``finish``, raised.
        """
        [job] = self._admit(encoder, [Job(texts, finish)])
        return await self._outcome(job)

    async def encode_all(self, encoder: Encoder, works: Sequence[Job[T]]) -> list[JobResult[T]]:
        """``encode`` for several at once; all of them are admitted, or none.

        More than the queue can hold are admitted when nobody else waits. The first that fails
        decides what is raised, after all have ended.
        """
        jobs = self._admit(encoder, works)
        try:
            outcomes = await asyncio.gather(*map(self._outcome, jobs), return_exceptions=True)
        finally:  # the caller was cancelled before some had begun to wait
            for job in jobs:
                self._leave(job)
        found: list[JobResult[T]] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            found.append(outcome)
        return found

    async def run(self, work: Callable[[], T]) -> JobResult[T]:
        """Call ``work`` on the work thread, in its turn. Raises as ``encode`` does."""
        [job] = self._admit(None, [Job((), lambda _: work())])
        return await self._outcome(job)

    def refuse_if_full(self) -> None:
        """Refuse a job before it is even read: whatever it is, the queue has no place for it.

        Raises:
            Overloaded: the queue is full.
        """
        if len(self._waiting) >= self._capacity:
            self._metrics.refused.labels("overloaded").inc()
            raise Overloaded

    async def close(self) -> None:
        """Finish the batch at work, fail what waits, end the thread."""
        self._closed = True
        self._wake.set()
        await self._task
        for job in self._waiting:
            if not job.result.done():
                job.result.set_exception(Closed())
        self._thread.shutdown(wait=True)

    def _admit(self, encoder: Encoder | None, works: Sequence[Job[Any]]) -> list[_QueuedJob]:
        if self._closed:
            raise Closed
        if self._waiting and len(self._waiting) + len(works) > self._capacity:
            self._metrics.refused.labels("overloaded").inc(len(works))
            raise Overloaded
        jobs = [
            _QueuedJob(encoder if work.texts else None, work, self._loop.create_future())
            for work in works
        ]
        self._waiting.extend(jobs)
        self._wake.set()
        return jobs

    async def _outcome(self, job: _QueuedJob) -> JobResult[Any]:
        timer = self._loop.call_later(self._timeout_s, self._give_up, job)
        try:
            return await job.result
        finally:
            timer.cancel()
            self._leave(job)  # if its caller was cancelled while it waited

    def _leave(self, job: _QueuedJob) -> None:
        if job.is_waiting:
            job.is_waiting = False
            with suppress(ValueError):  # closing has ended it
                self._waiting.remove(job)

    def _give_up(self, job: _QueuedJob) -> None:
        if job.is_waiting:  # it has not begun
            self._leave(job)
            self._metrics.refused.labels("late").inc()
            job.result.set_exception(QueueTimeout())

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            if self._closed:
                return
            batch = self._take()
            if not batch:
                self._wake.clear()
                continue
            outcomes = await self._loop.run_in_executor(
                self._thread, _compute, batch, self._vectors
            )
            self._metrics.batch_size.observe(len(batch))
            for job, outcome in zip(batch, outcomes, strict=True):
                if job.result.done():  # its caller has gone
                    continue
                if isinstance(outcome, Exception):
                    job.result.set_exception(outcome)
                else:
                    self._metrics.encode_s.observe(outcome.encode_ms / 1000)
                    job.result.set_result(outcome)
            await self._let_in()

    async def _let_in(self) -> None:
        """Let the event loop have its turns, while jobs wait and others join them.

        Callers who ask again as soon as they are answered would else be in two groups for ever, as
        often as not of one and of all others: each would be encoded while the other is answered.
        """
        before = 0
        while before < len(self._waiting) < MAX_BATCH:
            before = len(self._waiting)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def _take(self) -> list[_QueuedJob]:
        """The next jobs, of one encoder: two meet only while a snapshot of another one loads."""
        batch: list[_QueuedJob] = []
        encoder: Encoder | None = None
        now = time.perf_counter()
        while self._waiting and len(batch) < MAX_BATCH:
            job = self._waiting[0]
            if now - job.waiting_since > self._timeout_s:  # its timer is late, too
                self._give_up(job)
                continue
            if job.encoder is not None:
                if encoder is not None and job.encoder is not encoder:
                    break
                encoder = job.encoder
            self._waiting.popleft()
            job.is_waiting = False
            batch.append(job)
            self._metrics.queue_wait_s.observe(now - job.waiting_since)
        return batch


def _compute(batch: list[_QueuedJob], cache: QueryVectors) -> list[_Outcome]:
    """On the work thread: encode the texts together, then finish each job by itself."""
    started = time.perf_counter()
    vectors = _encode([job for job in batch if job.encoder is not None], cache)
    encode_ms = (time.perf_counter() - started) * 1000
    outcomes: list[_Outcome] = []
    for job in batch:
        own = vectors.get(job, _NOTHING)
        if isinstance(own, Exception):
            outcomes.append(own)
            continue
        began = time.perf_counter()
        try:
            value = job.work.finish(own)
        except Exception as error:  # noqa: BLE001 - it belongs to the job's caller
            outcomes.append(error)
            continue
        finish_ms = (time.perf_counter() - began) * 1000
        outcomes.append(JobResult(value, encode_ms if job.encoder is not None else 0.0, finish_ms))
    return outcomes


_NOTHING: Vectors = np.empty((0, 0), np.float32)


def _encode(jobs: list[_QueuedJob], cache: QueryVectors) -> dict[_QueuedJob, Vectors | Exception]:
    """The vectors of each job's texts; all jobs are of one encoder."""
    encoder = jobs[0].encoder if jobs else None
    if encoder is None:
        return {}
    try:
        vectors = cache.encode(encoder, [text for job in jobs for text in job.work.texts])
        ends = np.cumsum([len(job.work.texts) for job in jobs])
        return dict(zip(jobs, np.split(vectors, ends[:-1]), strict=True))
    except Exception as error:  # noqa: BLE001 - each job is tried by itself below
        if len(jobs) == 1:
            return {jobs[0]: error}
    alone: dict[_QueuedJob, Vectors | Exception] = {}
    for job in jobs:
        alone.update(_encode([job], cache))
    return alone
