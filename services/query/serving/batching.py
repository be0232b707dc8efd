"""One thread that computes searches, behind a bounded queue.

Tokenizers are not thread-safe, one inference at a time is fastest, and a snapshot's catalogue may
be used by one thread only: so one thread encodes, ranks and reads. It takes the waiting jobs, up to
``MAX_BATCH``, encodes the texts of all of them in one call, then finishes each job with its
vectors. An idle thread starts a job at once; no job is held back to fill a batch. While jobs wait,
the event loop runs between two batches: responses are sent, and new requests are read. Recent
queries are not encoded again (``services.query.serving.query_vectors``).

A job that finds the queue full is refused. Jobs that are submitted together are accepted or refused
together, and each takes one place in the queue. A job that has waited too long leaves the queue and
is never computed. A text that fails does not fail other jobs: a batch that fails is encoded again
job by job.
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

MAX_BATCH = 8  # larger batches gained nothing measurable
LOOP_PASSES = 4  # of the event loop: send responses, read requests, start tasks, submit jobs

T = TypeVar("T")


class Overloaded(RuntimeError):
    """The queue is full."""


class QueueTimeout(RuntimeError):
    """The job waited too long to start and was not computed."""


class Closed(RuntimeError):
    """The service is shutting down."""


@dataclass(frozen=True, slots=True)
class JobResult(Generic[T]):
    """The result of a job.

    Attributes:
        value: The value that ``finish`` returned.
        encode_ms: Time to encode the texts of the whole batch; 0 for a job without texts.
        finish_ms: Time of ``finish``.
    """

    value: T
    encode_ms: float
    finish_ms: float


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A computation for the work thread.

    Attributes:
        texts: Texts to encode; may be empty.
        finish: Called on the work thread with the unit vectors of the texts, float32, shape
            ``(len(texts), dim)``.
    """

    texts: Sequence[str]
    finish: Callable[[Vectors], T]


@dataclass(eq=False, slots=True)
class _QueuedJob:
    encoder: Encoder | None  # None for a job without texts
    job: Job[Any]
    result: asyncio.Future[JobResult[Any]]
    waiting_since: float = field(default_factory=time.perf_counter)
    is_waiting: bool = True


_Outcome = JobResult[Any] | Exception


class Batcher:
    """The work thread and its queue. Create it in a running event loop, and ``close`` it.

    Example:
        >>> batcher = Batcher(capacity=64, timeout_s=5.0, metrics=metrics)
        >>> result = await batcher.encode(
        ...     generation.encoder, ["a quiet comedy"], lambda vectors: rank(vectors[0])
        ... )
        >>> result.value, result.encode_ms
        >>> await batcher.close()
    """

    def __init__(
        self, *, capacity: int, timeout_s: float, metrics: Metrics, cached_queries: int = 0
    ) -> None:
        """Start the thread.

        Args:
            capacity: Number of jobs that may wait; jobs being computed do not count.
            timeout_s: Seconds that a job may wait before it is dropped.
            metrics: Metrics to update.
            cached_queries: Number of query vectors to cache; 0 disables the cache.
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
            QueueTimeout: the job did not start in time.
            Closed: the service is shutting down.
            Exception: the error of encoding these texts, or of ``finish``.
        """
        [queued] = self._admit(encoder, [Job(texts, finish)])
        return await self._outcome(queued)

    async def encode_all(self, encoder: Encoder, jobs: Sequence[Job[T]]) -> list[JobResult[T]]:
        """Run several jobs as ``encode`` does; all of them are admitted, or none.

        More jobs than the queue can hold are admitted when no other job waits. When jobs fail, the
        error of the first of them is raised after all jobs have ended.
        """
        all_queued = self._admit(encoder, jobs)
        try:
            outcomes = await asyncio.gather(*map(self._outcome, all_queued), return_exceptions=True)
        finally:  # the caller may have been cancelled before some of them waited
            for queued in all_queued:
                self._leave(queued)
        results: list[JobResult[T]] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        return results

    async def run(self, work: Callable[[], T]) -> JobResult[T]:
        """Call ``work`` on the work thread, after the jobs before it. Raises as ``encode`` does."""
        [queued] = self._admit(None, [Job((), lambda _: work())])
        return await self._outcome(queued)

    def refuse_if_full(self) -> None:
        """Refuse a request before it is read, when the queue has no place for its job.

        Raises:
            Overloaded: the queue is full.
        """
        if len(self._waiting) >= self._capacity:
            self._metrics.refused.labels("overloaded").inc()
            raise Overloaded

    async def close(self) -> None:
        """Finish the current batch, fail the waiting jobs, stop the thread."""
        self._closed = True
        self._wake.set()
        await self._task
        for queued in self._waiting:
            if not queued.result.done():
                queued.result.set_exception(Closed())
        self._thread.shutdown(wait=True)

    def _admit(self, encoder: Encoder | None, jobs: Sequence[Job[Any]]) -> list[_QueuedJob]:
        if self._closed:
            raise Closed
        if self._waiting and len(self._waiting) + len(jobs) > self._capacity:
            self._metrics.refused.labels("overloaded").inc(len(jobs))
            raise Overloaded
        all_queued = [
            _QueuedJob(encoder if job.texts else None, job, self._loop.create_future())
            for job in jobs
        ]
        self._waiting.extend(all_queued)
        self._wake.set()
        return all_queued

    async def _outcome(self, queued: _QueuedJob) -> JobResult[Any]:
        timer = self._loop.call_later(self._timeout_s, self._time_out, queued)
        try:
            return await queued.result
        finally:
            timer.cancel()
            self._leave(queued)  # in case the caller was cancelled while the job waited

    def _leave(self, queued: _QueuedJob) -> None:
        if queued.is_waiting:
            queued.is_waiting = False
            with suppress(ValueError):  # ``close`` has failed it already
                self._waiting.remove(queued)

    def _time_out(self, queued: _QueuedJob) -> None:
        if queued.is_waiting:
            self._leave(queued)
            self._metrics.refused.labels("late").inc()
            queued.result.set_exception(QueueTimeout())

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
            for queued, outcome in zip(batch, outcomes, strict=True):
                if queued.result.done():  # its caller was cancelled
                    continue
                if isinstance(outcome, Exception):
                    queued.result.set_exception(outcome)
                else:
                    self._metrics.encode_s.observe(outcome.encode_ms / 1000)
                    queued.result.set_result(outcome)
            await self._run_event_loop()

    async def _run_event_loop(self) -> None:
        """Let the event loop run as long as jobs wait and more jobs join them.

        Clients that send their next request as soon as the last one is answered would otherwise
        stay in two groups, often one client and all others: each group would be encoded while the
        other is answered.
        """
        before = 0
        while before < len(self._waiting) < MAX_BATCH:
            before = len(self._waiting)
            for _ in range(LOOP_PASSES):
                await asyncio.sleep(0)

    def _take(self) -> list[_QueuedJob]:
        """Take the next jobs of one encoder; there are two during a change of the encoder."""
        batch: list[_QueuedJob] = []
        encoder: Encoder | None = None
        now = time.perf_counter()
        while self._waiting and len(batch) < MAX_BATCH:
            queued = self._waiting[0]
            if now - queued.waiting_since > self._timeout_s:  # its timer is late, too
                self._time_out(queued)
                continue
            if queued.encoder is not None:
                if encoder is not None and queued.encoder is not encoder:
                    break
                encoder = queued.encoder
            self._waiting.popleft()
            queued.is_waiting = False
            batch.append(queued)
            self._metrics.queue_wait_s.observe(now - queued.waiting_since)
        return batch


def _compute(batch: list[_QueuedJob], cache: QueryVectors) -> list[_Outcome]:
    """On the work thread: encode all texts together, then finish the jobs one by one."""
    started = time.perf_counter()
    encoded = _encode([queued for queued in batch if queued.encoder is not None], cache)
    encode_ms = (time.perf_counter() - started) * 1000
    outcomes: list[_Outcome] = []
    for queued in batch:
        vectors = encoded.get(queued, _NO_VECTORS)
        if isinstance(vectors, Exception):
            outcomes.append(vectors)
            continue
        began = time.perf_counter()
        try:
            value = queued.job.finish(vectors)
        except Exception as error:  # noqa: BLE001 - it is raised in the job's caller
            outcomes.append(error)
            continue
        finish_ms = (time.perf_counter() - began) * 1000
        job_encode_ms = encode_ms if queued.encoder is not None else 0.0
        outcomes.append(JobResult(value, job_encode_ms, finish_ms))
    return outcomes


_NO_VECTORS: Vectors = np.empty((0, 0), np.float32)


def _encode(batch: list[_QueuedJob], cache: QueryVectors) -> dict[_QueuedJob, Vectors | Exception]:
    """Encode the texts of jobs of one encoder; the vectors, or the error, of each job."""
    encoder = batch[0].encoder if batch else None
    if encoder is None:
        return {}
    try:
        vectors = cache.encode(encoder, [text for queued in batch for text in queued.job.texts])
        ends = np.cumsum([len(queued.job.texts) for queued in batch])
        return dict(zip(batch, np.split(vectors, ends[:-1]), strict=True))
    except Exception as error:  # noqa: BLE001 - each job is encoded separately below
        if len(batch) == 1:
            return {batch[0]: error}
    one_by_one: dict[_QueuedJob, Vectors | Exception] = {}
    for queued in batch:
        one_by_one.update(_encode([queued], cache))
    return one_by_one
