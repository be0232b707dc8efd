"""The work list: reviews that have no vectors of the encoder in use.

The list is a query, not a queue: whatever stopped the last attempt, the next one finds the same
reviews again. Encoding is never in the way of consuming: it runs in threads of its own.

There are two of them, alike: each claims a batch, splits and encodes it, keeps its vectors, and
begins again. The encoder infers for one at a time, on all cores; meanwhile the other one keeps what
it has and makes the next batch ready, which takes a core for a tenth of that time. Each claims in
a name of its own, which is the same at the next start, so that no batch is handed out twice and
what was in hand is found first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError

from services.embedder.database.work_list import StoredVectors, WorkItem, WorkList
from shared.delivery.streams import wait_for
from shared.encoder import Encoder
from shared.telemetry import get_logger
from shared.text.passages import split

BATCH_REVIEWS = 256  # of fewer, less alike passages are encoded together, and more is padding
HANDS = 2
POLL_S = 2.0
REPORT_REVIEWS = 4 * BATCH_REVIEWS

_encoded = Counter("embedder_reviews_encoded_total", "Reviews encoded")
_quarantined = Counter("embedder_reviews_quarantined_total", "Reviews without usable vectors")
_backlog = Gauge("embedder_backlog_reviews", "Reviews that have no vectors yet")


def encode_reviews(encoder: Encoder, items: Sequence[WorkItem]) -> list[StoredVectors]:
    """Split reviews into passages and encode them.

    A review with a vector that is not finite or has no direction gets none at all (quarantined):
    one bad row must not spoil its film.
    """
    texts = [item.text for item in items]
    spans = split(texts, encoder.count_tokens, encoder.spec.passage_tokens)
    passages = [
        text[slice(*span)] for text, found in zip(texts, spans, strict=True) for span in found
    ]
    vectors = encoder.encode_passages(passages) if passages else np.empty((0, encoder.spec.dim))
    encoded = []
    start = 0
    for item, found in zip(items, spans, strict=True):
        rows = vectors[start : start + len(found)]
        start += len(found)
        norms = np.linalg.norm(rows, axis=1)
        if not np.isfinite(rows).all() or (len(norms) and norms.min() < 0.5):
            get_logger().error("review has no usable vectors", review=item.review_id)
            _quarantined.inc()
            found, rows = [], rows[:0]  # noqa: PLW2901 - replaced on purpose
        encoded.append(
            StoredVectors(
                item.review_id,
                item.text_sha256,
                np.asarray(found, dtype=np.int32).reshape(-1, 2),
                rows.astype(np.float16),
            )
        )
    return encoded


class EncodingLoop:
    """Encodes the work list whenever it is not empty.

    Args:
        store: The work list.
        encoder: What encodes.
        on_encoded: Called when vectors have been kept.
    """

    def __init__(
        self, store: WorkList, encoder: Encoder, *, on_encoded: Callable[[], None]
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._on_encoded = on_encoded
        self._since_report = 0
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event, *, holder: str) -> None:
        """Encode until ``stop`` is set; the batches in hand are finished and kept.

        Args:
            stop: When to end.
            holder: Who claims what is encoded here.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work(stop, holder))
            for number in range(2, HANDS + 1):
                tasks.create_task(self._work(stop, f"{holder}.{number}"))

    async def _work(self, stop: asyncio.Event, holder: str) -> None:
        while not stop.is_set():
            self.wake.clear()
            try:
                done = await self._encode_batch(holder)
                if done < BATCH_REVIEWS or self._since_report >= REPORT_REVIEWS:
                    await self._report()
            except DBAPIError as error:
                get_logger().warning("database away, encoding waits", error=str(error.orig))
                await wait_for(stop, POLL_S)
                continue
            if done < BATCH_REVIEWS:
                await wait_for(stop, POLL_S, wake=self.wake)

    async def _encode_batch(self, holder: str) -> int:
        items = await asyncio.to_thread(self._store.claim, BATCH_REVIEWS, holder)
        if len(items) == BATCH_REVIEWS:
            self.wake.set()  # there may be work for others
        if items:
            await asyncio.to_thread(self._encode, items)
            self._since_report += len(items)
            _encoded.inc(len(items))
            self._on_encoded()
        return len(items)

    def _encode(self, items: Sequence[WorkItem]) -> None:
        self._store.save(encode_reviews(self._encoder, items))

    async def _report(self) -> None:
        left = await asyncio.to_thread(self._store.backlog_size)
        _backlog.set(left)
        if self._since_report and (left == 0 or self._since_report >= REPORT_REVIEWS):
            get_logger().info("encoded", reviews=self._since_report, left=left)
            self._since_report = 0
