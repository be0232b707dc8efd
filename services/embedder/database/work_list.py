"""The work list, and the vectors that it asks for.

The work list is the table ``unencoded_reviews``: a review enters it in the transaction that changes
its text, and leaves it in the one that keeps its vectors. Opening the store compares it with the
vectors themselves, so that another encoder, or an older database, finds everything it has to do.
What the services ask every half second is then a question about the work that is left, not about
all reviews.

Several embedders share the list: each claims what it encodes, for longer than encoding takes
(``CLAIM_S``). What one that died had claimed is taken over after that, or by itself at its next
start. A review whose text changes meanwhile is nobody's again.

Every method is one transaction and blocking; callers run them in a thread. All of them may be
repeated: the second time changes nothing.
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
from services.embedder.database.review_store import (
    MOVIES,
    REVIEWS,
    UNENCODED,
    insert,
    next_revision,
    upsert,
)
from services.embedder.database.run_ledger import ITEMS, LEDGERS
from shared.delivery.messages import ledger_id

CLAIM_S = 180.0
VECTORS = SQLModel.metadata.tables["review_vectors"]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A review that has no vectors of the encoder in use."""

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
    """Whether rows of reviews and vectors belong together: this encoder, the present text."""
    return and_(
        VECTORS.c.review_id == REVIEWS.c.review_id,
        VECTORS.c.text_sha256 == REVIEWS.c.text_sha256,
        VECTORS.c.encoder_id == encoder_id,
    )


class WorkList:
    """The vectors of one encoder. Opening it brings the work list up to date."""

    def __init__(self, engine: Engine, encoder_id: str) -> None:
        self._engine = engine
        self._encoder_id = encoder_id
        self._renew_backlog()

    def _renew_backlog(self) -> None:
        current: Any = exists().where(has_vectors(self._encoder_id))
        lacking = select(REVIEWS.c.review_id, REVIEWS.c.movie_id).where(~current)
        wanted = select(REVIEWS.c.review_id).where(~current)
        with writing(self._engine) as connection:
            # What others have claimed stays theirs.
            connection.execute(delete(UNENCODED).where(UNENCODED.c.review_id.not_in(wanted)))
            connection.execute(
                insert(connection, UNENCODED)
                .from_select(["review_id", "movie_id"], lacking)
                .on_conflict_do_nothing()
            )

    def backlog(self, limit: int) -> list[WorkItem]:
        """The work list: reviews without vectors of this encoder, a film's together."""
        first = (
            select(UNENCODED.c.review_id, UNENCODED.c.movie_id)
            .order_by(UNENCODED.c.movie_id, UNENCODED.c.review_id)
            .limit(limit)
            .subquery()
        )
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(REVIEWS.c.review_id, REVIEWS.c.text, REVIEWS.c.text_sha256)
                .join(first, first.c.review_id == REVIEWS.c.review_id)
                .order_by(first.c.movie_id, first.c.review_id)
            )
            return [WorkItem(*row) for row in rows]

    def claim(self, limit: int, holder: str) -> list[WorkItem]:
        """Take the next of the work list that nobody else has, a film's together.

        What this holder has claimed before and not saved comes first again.

        Args:
            limit: How many reviews at the most.
            holder: Who takes them.
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
        """How many reviews the work list holds."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(UNENCODED)).scalar_one())

    def save(self, encoded: Sequence[StoredVectors]) -> None:
        """Keep vectors, take their reviews off the work list, and mark their films as changed.

        What belongs to a text that has changed or gone meanwhile is dropped.
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
            kept = [item for item in encoded if texts.get(item.review_id) == item.text_sha256]
            rows = [
                {
                    "review_id": item.review_id,
                    "encoder_id": self._encoder_id,
                    "text_sha256": item.text_sha256,
                    "passages": len(item.spans),
                    "spans": item.spans.astype("<i4").tobytes(),
                    "vectors": item.vectors.astype("<f2").tobytes(),
                }
                for item in kept
            ]
            upsert(connection, VECTORS, rows, "review_id")
            ids = [item.review_id for item in kept]
            connection.execute(delete(UNENCODED).where(UNENCODED.c.review_id.in_(ids)))
            films = select(REVIEWS.c.movie_id).where(REVIEWS.c.review_id.in_(ids))
            connection.execute(
                update(MOVIES).where(MOVIES.c.movie_id.in_(films)).values(revision=revision)
            )
            # From this revision on a snapshot holds what their runs stored.
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
