"""Encodes the reviews on the work list: those that have no vectors of the encoder in use.

The work list is a table, not a queue: after an interruption of any kind, the same reviews are still
on it. Encoding runs in separate threads, so that it does not delay consuming.

Two equal tasks each claim a batch, split and encode it, store its vectors, and repeat. The encoder
runs one inference at a time, on all cores; meanwhile the other task stores its vectors and prepares
its next batch, which takes one core for a tenth of that time. Each task claims under its own name,
which stays the same after a restart: no batch is handed out twice.

A review may raise, hang or end the process: then the reviews of its batch are tried again in small
batches and alone (``work_list``), others first, and one whose attempts are used up is set aside
with its reason. No review is blamed for an encoder that encodes nothing else either.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError

from services.embedder.database.work_list import MAX_ATTEMPTS, StoredVectors, WorkItem, WorkList
from services.embedder.unencodable import Unencodable
from shared.delivery.dead_letters import MAX_REASON_CHARS
from shared.delivery.redis_client import UNAVAILABLE
from shared.delivery.streams import EXIT_STUCK
from shared.encoder import Encoder
from shared.system.retry import wait_for
from shared.telemetry import get_logger
from shared.text.passages import split

BATCH_REVIEWS = 256  # smaller batches mix passages of more different lengths, and pad more
BATCH_CHARS = 400_000  # characters after which vectors are stored, and ``stop`` is heard
ENCODING_TASKS = 2
POLL_S = 2.0
REPORT_REVIEWS = 4 * BATCH_REVIEWS
STOP_GRACE_S = 8.0  # less than what Docker grants between SIGTERM and SIGKILL
TRIAL = "A quiet movie, and worth an evening."

_encoded = Counter("movie_search_embedder_reviews_encoded_total", "Reviews encoded")
_quarantined = Counter(
    "movie_search_embedder_reviews_quarantined_total",
    "Reviews left out of search because their vectors are not usable",
)
_backlog = Gauge("movie_search_embedder_backlog_reviews", "Reviews that have no vectors yet")


def encode_reviews(encoder: Encoder, items: Sequence[WorkItem]) -> list[StoredVectors]:
    """Split reviews into passages and encode them.

    A review with a vector that is not finite or nearly zero gets no vectors at all (quarantined),
    so that one bad vector does not spoil the mean of its movie.

    Args:
        encoder: The encoder in use.
        items: The reviews.

    Returns:
        The vectors of each review, in the same order; none for a quarantined or empty review.
    """
    texts = [item.text for item in items]
    spans = split(texts, encoder.count_tokens, encoder.passage_tokens)
    passages = [
        text[slice(*span)]
        for text, text_spans in zip(texts, spans, strict=True)
        for span in text_spans
    ]
    vectors = encoder.encode_passages(passages) if passages else np.empty((0, encoder.spec.dim))
    encoded = []
    start = 0
    for item, item_spans in zip(items, spans, strict=True):
        rows = vectors[start : start + len(item_spans)]
        start += len(item_spans)
        norms = np.linalg.norm(rows, axis=1)
        if not np.isfinite(rows).all() or (len(norms) and norms.min() < 0.5):
            get_logger().error("review quarantined: unusable vectors", review=item.review_id)
            _quarantined.inc()
            item_spans, rows = [], rows[:0]  # noqa: PLW2901 - replaced on purpose
        encoded.append(
            StoredVectors(
                item.review_id,
                item.text_sha256,
                np.asarray(item_spans, dtype=np.int32).reshape(-1, 2),
                rows.astype(np.float16),
            )
        )
    return encoded


@dataclass(frozen=True, slots=True)
class EncodingPatience:
    """How long the loop waits for what may be poison.

    Args:
        stuck_after_s: A batch that takes longer ends the process, which its supervisor starts
            again.
        settled_after_s: Reviews that failed twice are tried only when the process has run for so
            long: they are not to blame for one that ends at once for another reason.
    """

    stuck_after_s: float = 150.0
    settled_after_s: float = 10.0


class EncodingLoop:
    """Encodes the work list whenever it is not empty.

    Example:
        The loop polls the work list; setting ``wake`` makes it look at once::

            loop = EncodingLoop(
                work_list, encoder, on_encoded=changed, take_over=take_over, unencodable=unencodable
            )
            task = asyncio.create_task(loop.run(stop, holder="embedder-1"))
            loop.wake.set()  # new reviews have been stored

    Args:
        work_list: Reviews without vectors, claimed in batches.
        encoder: The encoder in use.
        on_encoded: Called after vectors have been stored.
        take_over: Called in a thread when there is nothing to claim: gives back what embedders have
            claimed that have ended, and returns whether there was any.
        unencodable: The reviews that are not to be tried again.
        patience: How long it waits for what may be poison.

    Attributes:
        wake: Ends the wait for new work.
    """

    def __init__(
        self,
        work_list: WorkList,
        encoder: Encoder,
        *,
        on_encoded: Callable[[], None],
        take_over: Callable[[], bool],
        unencodable: Unencodable,
        patience: EncodingPatience | None = None,
    ) -> None:
        self._work_list = work_list
        self._encoder = encoder
        self._on_encoded = on_encoded
        self._take_over = take_over
        self._unencodable = unencodable
        self._patience = patience or EncodingPatience()
        self._began = time.monotonic()
        self._since_report = 0
        self._changed = asyncio.Condition()
        self._working = 0
        self._is_alone = False
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event, *, holder: str) -> None:
        """Encode until ``stop`` is set; batches that are being encoded are finished and stored.

        Args:
            stop: Ends the loop.
            holder: Name under which reviews are claimed, the same after a restart.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work(stop, holder))
            for number in range(2, ENCODING_TASKS + 1):
                tasks.create_task(self._work(stop, f"{holder}.{number}"))

    async def _work(self, stop: asyncio.Event, holder: str) -> None:
        while not stop.is_set():
            self.wake.clear()
            try:
                done = await self._encode_batch(stop, holder)
                if done < BATCH_REVIEWS or self._since_report >= REPORT_REVIEWS:
                    await self._report()
                if not done:
                    await self._set_aside_exhausted(holder)
                    if await asyncio.to_thread(self._take_over):
                        self.wake.set()
            except DBAPIError as error:
                get_logger().warning(
                    "database unavailable, retrying", task="encode", error=str(error.orig)
                )
                await wait_for(stop, POLL_S)
                continue
            except UNAVAILABLE as error:
                get_logger().warning(
                    "redis unavailable, retrying", task="encode", error=str(error) or repr(error)
                )
                await wait_for(stop, POLL_S)
                continue
            if not done:
                await wait_for(stop, POLL_S, wake=self.wake)

    async def _encode_batch(self, stop: asyncio.Event, holder: str) -> int:
        """Encode the next reviews; returns how many were claimed."""
        async with self._room(alone=False):
            done = await self._encode_claimed(stop, holder, most_attempts=0)
        if done or stop.is_set():
            return done
        is_settled = time.monotonic() - self._began >= self._patience.settled_after_s
        # Alone, because what ends the process must not count as an attempt of other reviews.
        async with self._room(alone=True):
            return await self._encode_claimed(
                stop, holder, most_attempts=MAX_ATTEMPTS - 1 if is_settled else 1
            )

    async def _encode_claimed(self, stop: asyncio.Event, holder: str, *, most_attempts: int) -> int:
        items = await asyncio.to_thread(
            self._work_list.claim, BATCH_REVIEWS, holder, most_attempts=most_attempts
        )
        if len(items) == BATCH_REVIEWS:
            self.wake.set()  # there may be work for the other task
        for part in _parts(items):
            ids = [item.review_id for item in part]
            if stop.is_set():
                await asyncio.to_thread(self._work_list.give_back, ids, error=None)
                continue
            try:
                encoded = await self._within_bounds(stop, part)
            except Exception as error:  # noqa: BLE001 - of the encoder, which may raise anything
                await self._give_back_failed(stop, ids, error)
                continue
            await self._save(stop, encoded)
            self._since_report += len(part)
            _encoded.inc(len(part))
            self._on_encoded()
        return len(items)

    async def _within_bounds(
        self, stop: asyncio.Event, part: Sequence[WorkItem]
    ) -> list[StoredVectors]:
        """Encode in a thread; end the process when it takes too long, as no thread can be ended."""
        task = asyncio.ensure_future(asyncio.to_thread(encode_reviews, self._encoder, part))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait(
                {task, stopping},
                timeout=self._patience.stuck_after_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not task.done() and stop.is_set():
                await asyncio.wait({task}, timeout=STOP_GRACE_S)
        finally:
            stopping.cancel()
        if not task.done():
            if stop.is_set():
                get_logger().warning("encoding unfinished, exiting", reviews=len(part))
                ids = [item.review_id for item in part]
                await asyncio.to_thread(self._work_list.give_back, ids, error=None)
                os._exit(0)
            get_logger().critical("encoding stuck, exiting", reviews=len(part))
            os._exit(EXIT_STUCK)
        return task.result()

    async def _save(self, stop: asyncio.Event, encoded: Sequence[StoredVectors]) -> None:
        """Store vectors; waits for the database, so that its absence is no failed attempt.

        Raises:
            sqlalchemy.exc.DBAPIError: The database is away, and the service stops.
        """
        while True:
            try:
                await asyncio.to_thread(self._work_list.save, encoded)
            except DBAPIError as error:
                if stop.is_set():
                    raise
                get_logger().warning(
                    "database unavailable, retrying", task="encode", error=str(error.orig)
                )
                await wait_for(stop, POLL_S)
            else:
                return

    async def _give_back_failed(
        self, stop: asyncio.Event, ids: Sequence[str], error: Exception
    ) -> None:
        is_sound = await asyncio.to_thread(self._encodes)
        get_logger().warning(
            "encoding failed", reviews=len(ids), error=repr(error), encoder_works=is_sound
        )
        reason = repr(error)[:MAX_REASON_CHARS] if is_sound else None
        await asyncio.to_thread(self._work_list.give_back, ids, error=reason)
        if not is_sound:
            await wait_for(stop, POLL_S)

    async def _set_aside_exhausted(self, holder: str) -> None:
        exhausted = await self._unencodable.claim(holder)
        if not exhausted or not await asyncio.to_thread(self._encodes):
            return
        for each in exhausted:
            review_id = each.review.review_id
            await self._unencodable.report(each)
            nothing = without_vectors(review_id, each.text_sha256, self._encoder)
            await asyncio.to_thread(self._work_list.save, [nothing])
            get_logger().error("review set aside", review=review_id, reason=each.reason)
            _quarantined.inc()
            self._on_encoded()

    @asynccontextmanager
    async def _room(self, *, alone: bool) -> AsyncIterator[None]:
        """Wait until this task may claim reviews: beside the other one, or without it."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: not self._is_alone and (not alone or self._working == 0)
            )
            self._working += 1
            self._is_alone = alone
        try:
            yield
        finally:
            async with self._changed:
                self._working -= 1
                self._is_alone = False
                self._changed.notify_all()

    def _encodes(self) -> bool:
        """Whether the encoder encodes a text that is no review."""
        try:
            self._encoder.encode_passages([TRIAL])
        except Exception:  # noqa: BLE001 - the encoder may raise anything
            return False
        return True

    async def _report(self) -> None:
        left = await asyncio.to_thread(self._work_list.backlog_size)
        _backlog.set(left)
        if self._since_report and (left == 0 or self._since_report >= REPORT_REVIEWS):
            get_logger().info("reviews encoded", reviews=self._since_report, left=left)
            self._since_report = 0


def without_vectors(review_id: str, text_sha256: str, encoder: Encoder) -> StoredVectors:
    """What is stored for a review that is left out of search."""
    return StoredVectors(
        review_id,
        text_sha256,
        np.empty((0, 2), dtype=np.int32),
        np.empty((0, encoder.spec.dim), dtype=np.float16),
    )


def _parts(items: Sequence[WorkItem]) -> Iterator[list[WorkItem]]:
    """Reviews in their order, in parts of about ``BATCH_CHARS``."""
    part: list[WorkItem] = []
    chars = 0
    for item in items:
        part.append(item)
        chars += len(item.text)
        if chars >= BATCH_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part
