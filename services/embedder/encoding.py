"""Encodes the reviews on the work list: those that have no vectors of the encoder in use.

The work list is a table, not a queue: after an interruption of any kind, the same reviews are still
on it. Encoding runs in separate threads, so that it does not delay consuming.

Two equal tasks each claim a batch, split and encode it, store its vectors, and repeat. The encoder
runs one inference at a time, on all cores; meanwhile the other task stores its vectors and prepares
its next batch, which takes one core for a tenth of that time. Each task claims under its own name,
which stays the same after a restart: no batch is handed out twice, and unfinished batches come
first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError

from services.embedder.database.work_list import StoredVectors, WorkItem, WorkList
from shared.encoder import Encoder
from shared.system.retry import wait_for
from shared.telemetry import get_logger
from shared.text.passages import split

BATCH_REVIEWS = 256  # smaller batches mix passages of more different lengths, and pad more
ENCODING_TASKS = 2
POLL_S = 2.0
REPORT_REVIEWS = 4 * BATCH_REVIEWS

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
    spans = split(texts, encoder.count_tokens, encoder.spec.passage_tokens)
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


class EncodingLoop:
    """Encodes the work list whenever it is not empty.

    Example:
        The loop polls the work list; setting ``wake`` makes it look at once::

            loop = EncodingLoop(work_list, encoder, on_encoded=schedule.changed)
            task = asyncio.create_task(loop.run(stop, holder="embedder-1"))
            loop.wake.set()  # new reviews have been stored

    Args:
        work_list: Reviews without vectors, claimed in batches.
        encoder: The encoder in use.
        on_encoded: Called after vectors have been stored.

    Attributes:
        wake: Ends the wait for new work.
    """

    def __init__(
        self, work_list: WorkList, encoder: Encoder, *, on_encoded: Callable[[], None]
    ) -> None:
        self._work_list = work_list
        self._encoder = encoder
        self._on_encoded = on_encoded
        self._since_report = 0
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event, *, holder: str) -> None:
        """Encode until ``stop`` is set; batches that have been claimed are finished and stored.

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
                done = await self._encode_batch(holder)
                if done < BATCH_REVIEWS or self._since_report >= REPORT_REVIEWS:
                    await self._report()
            except DBAPIError as error:
                get_logger().warning(
                    "database unavailable, retrying", task="encode", error=str(error.orig)
                )
                await wait_for(stop, POLL_S)
                continue
            if done < BATCH_REVIEWS:
                await wait_for(stop, POLL_S, wake=self.wake)

    async def _encode_batch(self, holder: str) -> int:
        items = await asyncio.to_thread(self._work_list.claim, BATCH_REVIEWS, holder)
        if len(items) == BATCH_REVIEWS:
            self.wake.set()  # there may be work for the other task
        if items:
            await asyncio.to_thread(self._encode, items)
            self._since_report += len(items)
            _encoded.inc(len(items))
            self._on_encoded()
        return len(items)

    def _encode(self, items: Sequence[WorkItem]) -> None:
        self._work_list.save(encode_reviews(self._encoder, items))

    async def _report(self) -> None:
        left = await asyncio.to_thread(self._work_list.backlog_size)
        _backlog.set(left)
        if self._since_report and (left == 0 or self._since_report >= REPORT_REVIEWS):
            get_logger().info("reviews encoded", reviews=self._since_report, left=left)
            self._since_report = 0
