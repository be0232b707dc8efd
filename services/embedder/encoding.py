"""The work list: reviews that have no vectors of the encoder in use.

The list is a query, not a queue: whatever stopped the last attempt, the next one finds the same
reviews again. Encoding is never in the way of consuming: it runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError

from services.embedder.vectors import EncodedReview, VectorStore, WorkItem
from shared.encoder import Encoder
from shared.passages import split
from shared.streams import wait_for
from shared.telemetry import get_logger

BATCH_REVIEWS = 128
POLL_S = 2.0

_encoded = Counter("embedder_reviews_encoded_total", "Reviews encoded")
_quarantined = Counter("embedder_reviews_quarantined_total", "Reviews without usable vectors")
_backlog = Gauge("embedder_backlog_reviews", "Reviews that have no vectors yet")


def encode_reviews(encoder: Encoder, items: Sequence[WorkItem]) -> list[EncodedReview]:
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
            EncodedReview(
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
        self, store: VectorStore, encoder: Encoder, *, on_encoded: Callable[[], None]
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._holder = ""
        self._on_encoded = on_encoded
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event, *, holder: str) -> None:
        """Encode until ``stop`` is set; the batch in hand is finished and kept.

        Args:
            stop: When to end.
            holder: Who claims what is encoded here.
        """
        self._holder = holder
        since_report = 0
        while not stop.is_set():
            self.wake.clear()
            try:
                done = await asyncio.to_thread(self._encode_batch)
            except DBAPIError as error:
                get_logger().warning("database away, encoding waits", error=str(error.orig))
                await wait_for(stop, POLL_S)
                continue
            if done:
                since_report += done
                _encoded.inc(done)
                self._on_encoded()
            if done < BATCH_REVIEWS:
                _backlog.set(0)
                if since_report:
                    get_logger().info("encoded", reviews=since_report, left=0)
                    since_report = 0
                await wait_for(stop, POLL_S, wake=self.wake)
            elif since_report >= 8 * BATCH_REVIEWS:
                left = await asyncio.to_thread(self._store.backlog_size)
                _backlog.set(left)
                get_logger().info("encoded", reviews=since_report, left=left)
                since_report = 0

    def _encode_batch(self) -> int:
        items = self._store.claim(BATCH_REVIEWS, self._holder)
        if items:
            self._store.save(encode_reviews(self._encoder, items))
        return len(items)
