"""The work list of reviews without vectors, and the vectors that are stored for them.

The work list is the table ``unencoded_reviews``: a review enters it in the transaction that changes
its text, and leaves it in the one that stores its vectors. Opening the list compares it with the
stored vectors, so that a new encoder, or an older database, gets a complete list. The queries that
the embedder repeats every half second then depend on the work that is left, not on all reviews.

Several embedders share the list: each claims what it encodes, for longer than encoding takes
(``CLAIM_S``). If an embedder dies, another one takes over its claims after that time, or it resumes
them itself at its next start. A review whose text changes meanwhile loses its claim.

Every method is one blocking transaction; callers run it in a thread. All of them are idempotent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Engine, and_, delete, exists, func, or_, select, update
from sqlmodel import SQLModel

from services.embedder.database.engine import reading, writing
from services.embedder.database.models import MOVIES, REVIEWS
from services.embedder.database.review_store import UNENCODED, insert, next_revision, upsert
from services.embedder.database.run_ledger import ITEMS, LEDGERS
from shared.delivery.messages import ledger_id

CLAIM_S = 180.0
REVIEW_VECTORS = SQLModel.metadata.tables["review_vectors"]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A review that has no vectors of the encoder in use, with the hash of its text."""

    review_id: str
    text: str
    text_sha256: str


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The vectors of a review: spans int32 ``(n, 2)``, vectors float16 ``(n, dim)``."""

    review_id: str
    text_sha256: str
    spans: npt.NDArray[np.int32]
    vectors: npt.NDArray[np.float16]


def has_vectors(encoder_id: str) -> ColumnElement[bool]:
    """Return the join condition of reviews and their vectors: this encoder, the current text."""
    return and_(
        REVIEW_VECTORS.c.review_id == REVIEWS.c.review_id,
        REVIEW_VECTORS.c.text_sha256 == REVIEWS.c.text_sha256,
        REVIEW_VECTORS.c.encoder_id == encoder_id,
    )


class WorkList:
    """The reviews that one encoder has not encoded yet; opening it updates the list.

    Example:
        An embedder claims a batch, encodes it and stores the vectors, until nothing is left::

            work_list = WorkList(engine, encoder.spec.encoder_id)
            while items := work_list.claim(256, holder="embedder-1"):
                work_list.save(encode_reviews(encoder, items))

    Args:
        engine: The database.
        encoder_id: The encoder in use; vectors of other encoders do not count.
    """

    def __init__(self, engine: Engine, encoder_id: str) -> None:
        self._engine = engine
        self._encoder_id = encoder_id
        self._refresh()

    def _refresh(self) -> None:
        current: Any = exists().where(has_vectors(self._encoder_id))
        unencoded = select(REVIEWS.c.review_id, REVIEWS.c.movie_id).where(~current)
        unencoded_ids = select(REVIEWS.c.review_id).where(~current)
        with writing(self._engine) as connection:
            # Rows that are still due stay as they are, so that other embedders keep their claims.
            connection.execute(delete(UNENCODED).where(UNENCODED.c.review_id.not_in(unencoded_ids)))
            connection.execute(
                insert(connection, UNENCODED)
                .from_select(["review_id", "movie_id"], unencoded)
                .on_conflict_do_nothing()
            )

    def claim(self, limit: int, holder: str) -> list[WorkItem]:
        """Claim the next reviews that no other holder has claimed, in the order of their movies.

        Reviews that this holder claimed before and has not saved are claimed again.

        Args:
            limit: Maximum number of reviews.
            holder: Name of the claimant, the same after a restart.
        """
        now = time.time()
        free = or_(
            UNENCODED.c.claimed_until.is_(None),
            UNENCODED.c.claimed_until < now,
            UNENCODED.c.claimed_by == holder,
        )
        first = (
            select(UNENCODED.c.review_id)
            .where(free)
            .order_by(UNENCODED.c.movie_id, UNENCODED.c.review_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with writing(self._engine) as connection:
            ids = list(connection.execute(first).scalars())
            if not ids:
                return []
            connection.execute(
                update(UNENCODED)
                .where(UNENCODED.c.review_id.in_(ids))
                .values(claimed_by=holder, claimed_until=now + CLAIM_S)
            )
            rows = connection.execute(
                select(REVIEWS.c.review_id, REVIEWS.c.text, REVIEWS.c.text_sha256)
                .where(REVIEWS.c.review_id.in_(ids))
                .order_by(REVIEWS.c.movie_id, REVIEWS.c.review_id)
            )
            return [WorkItem(*row) for row in rows]

    def backlog_size(self) -> int:
        """Count the reviews on the work list."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(UNENCODED)).scalar_one())

    def save(self, encoded: Sequence[StoredVectors]) -> None:
        """Store vectors, take their reviews off the work list, and mark their movies as changed.

        Vectors of a text that has been changed or deleted meanwhile are dropped.
        """
        with writing(self._engine) as connection:
            revision = next_revision(connection)
            texts = {
                row.review_id: row.text_sha256
                for row in connection.execute(
                    select(REVIEWS.c.review_id, REVIEWS.c.text_sha256).where(
                        REVIEWS.c.review_id.in_([item.review_id for item in encoded])
                    )
                )
            }
            current = [item for item in encoded if texts.get(item.review_id) == item.text_sha256]
            rows = [
                {
                    "review_id": item.review_id,
                    "encoder_id": self._encoder_id,
                    "text_sha256": item.text_sha256,
                    "passages": len(item.spans),
                    "spans": item.spans.astype("<i4").tobytes(),
                    "vectors": item.vectors.astype("<f2").tobytes(),
                }
                for item in current
            ]
            upsert(connection, REVIEW_VECTORS, rows, "review_id")
            ids = [item.review_id for item in current]
            connection.execute(delete(UNENCODED).where(UNENCODED.c.review_id.in_(ids)))
            movies = select(REVIEWS.c.movie_id).where(REVIEWS.c.review_id.in_(ids))
            connection.execute(
                update(MOVIES).where(MOVIES.c.movie_id.in_(movies)).values(revision=revision)
            )
            # Snapshots hold what their runs stored from this revision on.
            open_runs = select(LEDGERS.c.run_id).where(LEDGERS.c.closed.is_(False))
            connection.execute(
                update(ITEMS)
                .where(
                    ITEMS.c.run_id.in_(open_runs),
                    ITEMS.c["item"].in_([ledger_id("review", review_id) for review_id in ids]),
                    ITEMS.c.outcome == "stored",
                )
                .values(revision=revision)
            )
