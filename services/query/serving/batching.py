"""One thread that computes searches, behind a bounded queue in which clients take turns.

Tokenizers are not thread-safe, one inference at a time is fastest, and a snapshot's catalogue may
be used by one thread only: so one thread encodes, ranks and reads
(``services.query.serving.computing``). It takes waiting jobs, up to ``MAX_BATCH``, encodes the
texts of all of them in one call, then finishes each job with its vectors. An idle thread starts a
job at once; no job is held back to fill a batch. While jobs wait, the event loop runs between two
batches: responses are sent, and new requests are read.

Whose turn it is, ``services.query.serving.fair_queue`` decides, and which jobs are not computed
together, ``services.query.serving.activity``.

A job that finds the queue full is refused, unless its client has less than its share of the queue.
Jobs that are submitted together are accepted or refused together, and each takes one place in the
queue. A job that has waited too long, or whose client has closed the connection, leaves the queue
and is never computed. A text that fails does not fail other jobs: a batch that fails is encoded
again job by job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from services.query.serving.activity import Activity
from services.query.serving.computing import Job, JobResult, QueuedJob, compute
from services.query.serving.fair_queue import FairQueue
from services.query.serving.metrics import Metrics
from services.query.serving.query_vectors import QueryVectors
from services.query.serving.requester import REQUESTER
from shared.encoder import Encoder, Vectors

MAX_BATCH = 8  # larger batches gained nothing measurable
LOOP_PASSES = 4  # of the event loop: send responses, read requests, start tasks, submit jobs
ROOM = 2  # clients with less than their share wait beyond the capacity, up to this many times it

T = TypeVar("T")


class Overloaded(RuntimeError):
    """The queue is full."""


class QueueTimeout(RuntimeError):
    """The job waited too long to start and was not computed."""


class Closed(RuntimeError):
    """The service is shutting down."""


class ClientGone(RuntimeError):
    """The client closed the connection before the job started, and it was not computed."""


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
        self,
        *,
        capacity: int,
        timeout_s: float,
        metrics: Metrics,
        cached_queries: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Start the thread.

        Args:
            capacity: Number of jobs that may wait; jobs being computed do not count.
            timeout_s: Seconds that a job may wait before it is dropped.
            metrics: Metrics to update.
            cached_queries: Number of query vectors to cache; 0 disables the cache.
            clock: Returns the seconds by which the wait of a job is measured.
        """
        self._capacity = capacity
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._vectors = QueryVectors(cached_queries, metrics=metrics)
        self._clock = clock
        self._waiting: FairQueue[QueuedJob] = FairQueue()
        self._activity = Activity()
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
            ClientGone: the client closed the connection before the job started.
            Closed: the service is shutting down.
            Exception: the error of encoding these texts, or of ``finish``.
        """
        return await self.submit(encoder, Job(texts, finish))

    async def submit(self, encoder: Encoder, job: Job[T]) -> JobResult[T]:
        """Run a job as ``encode`` does."""
        [queued] = self._admit(encoder, [job])
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
        if not self._has_room(REQUESTER.get().client, 1):
            self._metrics.refused.labels("overloaded").inc()
            raise Overloaded

    async def close(self) -> None:
        """Finish the current batch, fail the waiting jobs, stop the thread."""
        self._closed = True
        self._wake.set()
        await self._task
        for queued in self._waiting.clear():
            if not queued.result.done():
                queued.result.set_exception(Closed())
        self._thread.shutdown(wait=True)

    def _admit(self, encoder: Encoder | None, jobs: Sequence[Job[Any]]) -> list[QueuedJob]:
        if self._closed:
            raise Closed
        requester = REQUESTER.get()
        if not self._has_room(requester.client, len(jobs)):
            self._metrics.refused.labels("overloaded").inc(len(jobs))
            raise Overloaded
        now = self._clock()
        is_alone = len(jobs) == 1
        all_queued = [
            QueuedJob(
                encoder if job.texts or job.prepare is not None else None,
                job,
                self._loop.create_future(),
                requester,
                is_alone,
                now,
            )
            for job in jobs
        ]
        self._activity.note(all_queued[0], now)
        self._waiting.add(requester.client, all_queued)
        self._metrics.waiting.set(len(self._waiting))
        self._wake.set()
        return all_queued

    def _has_room(self, client: str, count: int) -> bool:
        """Whether jobs of a client find places in the queue.

        A lone client may use all places. One with less than its share, which is the capacity
        divided by the clients that wait, is admitted even if others have taken all places.
        """
        waiting = len(self._waiting)
        if not waiting or waiting + count <= self._capacity:
            return True
        own = self._waiting.count(client)
        clients = len(self._waiting.clients()) + (not own)
        within_share = own + count <= self._capacity // clients
        return clients > 1 and within_share and waiting + count <= ROOM * self._capacity

    async def _outcome(self, queued: QueuedJob) -> JobResult[Any]:
        timer = self._loop.call_later(self._timeout_s, self._time_out, queued)
        try:
            return await queued.result
        finally:
            timer.cancel()
            self._leave(queued)  # in case the caller was cancelled while the job waited

    def _leave(self, queued: QueuedJob) -> None:
        if queued.is_waiting:
            queued.is_waiting = False
            self._waiting.remove(queued.requester.client, queued)
            self._metrics.waiting.set(len(self._waiting))

    def _time_out(self, queued: QueuedJob) -> None:
        if queued.is_waiting:
            self._drop(queued, "late", QueueTimeout())

    def _drop(self, queued: QueuedJob, reason: str, error: Exception) -> None:
        self._leave(queued)
        self._metrics.refused.labels(reason).inc()
        queued.result.set_exception(error)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            if self._closed:
                return
            batch = self._take()
            if not batch:
                self._wake.clear()
                continue
            outcomes = await self._loop.run_in_executor(self._thread, compute, batch, self._vectors)
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

    def _take(self) -> list[QueuedJob]:
        """Take the next jobs of one encoder; there are two during a change of the encoder."""
        batch: list[QueuedJob] = []
        encoder: Encoder | None = None
        now = self._clock()
        while len(batch) < MAX_BATCH:
            queued = self._next(now, encoder, follows=bool(batch))
            if queued is None:
                break
            holds_up = self._holds_up(queued, now)
            self._waiting.pop(queued.requester.client)
            queued.is_waiting = False
            self._activity.note(queued, now)
            batch.append(queued)
            encoder = queued.encoder or encoder
            self._metrics.queue_wait_s.observe(now - queued.waiting_since)
            if holds_up:
                break
        self._metrics.waiting.set(len(self._waiting))
        return batch

    def _next(self, now: float, encoder: Encoder | None, *, follows: bool) -> QueuedJob | None:
        """Return the job whose turn it is, among those that may join the jobs it ``follows``."""
        for client in self._waiting.clients():
            queued = self._first(client, now)
            if queued is None or (follows and self._holds_up(queued, now)):
                continue
            if encoder is None or queued.encoder is None or queued.encoder is encoder:
                return queued
        return None

    def _first(self, client: str, now: float) -> QueuedJob | None:
        """Return a client's next job that is still worth computing; drop those before it."""
        while self._waiting.count(client):
            queued = self._waiting.peek(client)
            if now - queued.waiting_since > self._timeout_s:  # its timer is late, too
                self._time_out(queued)
            elif queued.requester.is_gone():
                self._drop(queued, "gone", ClientGone())
            else:
                return queued
        return None

    def _holds_up(self, queued: QueuedJob, now: float) -> bool:
        waiting = self._waiting.count(queued.requester.client)
        return self._activity.holds_up(queued, now, waiting=waiting)
