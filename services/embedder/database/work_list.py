"""The work list of reviews without vectors, and the vectors that are stored for them.

The work list is the table ``unencoded_reviews``: a review enters it in the transaction that changes
its text, and leaves it in the one that stores its vectors. Opening the list compares it with the
stored vectors, so that a new encoder, or an older database, gets a complete list. The queries that
the embedder repeats every half second then depend on the work that is left, not on all reviews.

Several embedders share the list: each claims what it encodes, for as long as it takes. If an
embedder ends, another one gives its claims back (``give_back_of``), or it resumes them itself
at its next start. A review whose text changes meanwhile loses its claim.

A review may be poison: encoding it raises, hangs, or ends the process. So each claim counts as an
attempt until its vectors are stored or it is given back. Reviews of a batch that failed are claimed
again a few at a time, then alone, and after ``MAX_ATTEMPTS`` not at all (``set_aside``).

Every method is one blocking transaction; callers run it in a thread. All of them are idempotent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlmodel import SQLModel

from services.embedder.database.engine import reading, writing
from services.embedder.database.models import MOVIES, REVIEWS
from services.embedder.database.review_store import UNENCODED, insert, next_revision, upsert
from services.embedder.database.run_ledger import ITEMS, LEDGERS
from shared.delivery.messages import ledger_id

MAX_ATTEMPTS = 5
FEW = 16
"""How many reviews are claimed together after a first attempt; after a second one, each alone."""
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


def is_free(holder: str) -> ColumnElement[bool]:
    """Whether a review on the list is not claimed by another one than ``holder``."""
    return or_(UNENCODED.c.claimed_by.is_(None), UNENCODED.c.claimed_by == holder)


def worker_of(holder: str) -> str:
    """The name of the embedder of which ``holder`` is a task, such as ``embedder-1.2``."""
    return holder.partition(".")[0]


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
        due = unencoded.where(REVIEWS.c.review_id == UNENCODED.c.review_id).exists()
        with writing(self._engine) as connection:
            # Rows that are still due stay as they are, so that other embedders keep their claims.
            # Not `NOT IN`: PostgreSQL compares each row with all of a long list.
            connection.execute(delete(UNENCODED).where(~due))
            connection.execute(
                insert(connection, UNENCODED)
                .from_select(["review_id", "movie_id"], unencoded)
                .on_conflict_do_nothing()
            )

    def claim(self, limit: int, holder: str, *, most_attempts: int = 1) -> list[WorkItem]:
        """Claim the next reviews that no other holder has claimed, in the order of their movies.

        Reviews that this holder claimed before and has not saved are claimed again. A review with
        the text of one that has vectors (its source has given it another id, or many viewers wrote
        the same) gets these vectors and is not returned.

        Args:
            limit: Maximum number of reviews.
            holder: Name of the claimant, the same after a restart.
            most_attempts: Only reviews with at most so many attempts; fewer than ``MAX_ATTEMPTS``.
        """
        while True:
            claimed = self._claim(limit, holder, most_attempts)
            with_vectors = self._copy_vectors(claimed) if claimed else set()
            left = [item for item in claimed if item.review_id not in with_vectors]
            if left or not claimed:
                return left

    def _claim(self, limit: int, holder: str, most_attempts: int) -> list[WorkItem]:
        free = is_free(holder)
        with writing(self._engine) as connection:
            ids: list[str] = []
            for attempts in range(most_attempts + 1):
                together = limit if attempts == 0 else FEW if attempts == 1 else 1
                first = (
                    select(UNENCODED.c.review_id)
                    .where(free, UNENCODED.c.attempts == attempts)
                    .order_by(UNENCODED.c.movie_id, UNENCODED.c.review_id)
                    .limit(min(limit, together))
                    .with_for_update(skip_locked=True)
                )
                ids = list(connection.execute(first).scalars())
                if ids:
                    break
            if not ids:
                return []
            connection.execute(
                update(UNENCODED)
                .where(UNENCODED.c.review_id.in_(ids))
                .values(
                    claimed_by=holder,
                    attempts=UNENCODED.c.attempts + 1,
                    error=None,
                )
            )
            rows = connection.execute(
                select(REVIEWS.c.review_id, REVIEWS.c.text, REVIEWS.c.text_sha256)
                .where(REVIEWS.c.review_id.in_(ids))
                .order_by(REVIEWS.c.movie_id, REVIEWS.c.review_id)
            )
            return [WorkItem(*row) for row in rows]

    def give_back(self, ids: Sequence[str], *, error: str | None) -> None:
        """Give claims back, so that others may encode the reviews.

        Args:
            ids: The reviews, which this holder has claimed.
            error: Why they could not be encoded; None if that was not tried, or if they are not at
                fault: then it counts as no attempt.
        """
        less = 0 if error is not None else 1
        with writing(self._engine) as connection:
            connection.execute(
                update(UNENCODED)
                .where(UNENCODED.c.review_id.in_(list(ids)))
                .values(
                    claimed_by=None,
                    attempts=UNENCODED.c.attempts - less,
                    error=error,
                )
            )

    def workers(self) -> list[str]:
        """Return the names of the embedders that have claimed reviews, sorted."""
        claimed_by = select(UNENCODED.c.claimed_by).where(UNENCODED.c.claimed_by.is_not(None))
        with reading(self._engine) as connection:
            return sorted({*map(worker_of, connection.execute(claimed_by.distinct()).scalars())})

    def give_back_of(self, workers: Sequence[str]) -> None:
        """Give back all claims of embedders that have ended; their attempts count.

        Args:
            workers: Names of embedders; none of them may start meanwhile.
        """
        claimed_by = UNENCODED.c.claimed_by
        theirs = or_(*(or_(claimed_by == name, claimed_by.like(f"{name}.%")) for name in workers))
        with writing(self._engine) as connection:
            connection.execute(update(UNENCODED).where(theirs).values(claimed_by=None))

    def _copy_vectors(self, claimed: Sequence[WorkItem]) -> set[str]:
        """Give reviews the vectors of others with the same text; returns the ids of these."""
        known = select(
            REVIEW_VECTORS.c.text_sha256,
            REVIEW_VECTORS.c.passages,
            REVIEW_VECTORS.c.spans,
            REVIEW_VECTORS.c.vectors,
        ).where(
            REVIEW_VECTORS.c.encoder_id == self._encoder_id,
            REVIEW_VECTORS.c.passages > 0,
            REVIEW_VECTORS.c.text_sha256.in_({item.text_sha256 for item in claimed}),
        )
        with writing(self._engine) as connection:
            by_text = {row["text_sha256"]: row for row in connection.execute(known).mappings()}
            rows = [
                {**by_text[item.text_sha256], "review_id": item.review_id}
                for item in claimed
                if item.text_sha256 in by_text
            ]
            self._save(connection, rows)
        return {row["review_id"] for row in rows}

    def backlog_size(self) -> int:
        """Count the reviews on the work list."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(UNENCODED)).scalar_one())

    def save(self, encoded: Sequence[StoredVectors]) -> None:
        """Store vectors, take their reviews off the work list, and mark their movies as changed.

        Vectors of a text that has been changed or deleted meanwhile are dropped.
        """
        rows = [
            {
                "review_id": item.review_id,
                "text_sha256": item.text_sha256,
                "passages": len(item.spans),
                "spans": item.spans.astype("<i4").tobytes(),
                "vectors": item.vectors.astype("<f2").tobytes(),
            }
            for item in encoded
        ]
        with writing(self._engine) as connection:
            self._save(connection, rows)

    def _save(self, connection: Connection, encoded: Sequence[Mapping[str, Any]]) -> None:
        """Store rows of ``review_vectors``; the encoder is added."""
        if not encoded:
            return
        revision = next_revision(connection)
        texts = {
            row.review_id: row.text_sha256
            for row in connection.execute(
                select(REVIEWS.c.review_id, REVIEWS.c.text_sha256).where(
                    REVIEWS.c.review_id.in_([row["review_id"] for row in encoded])
                )
            )
        }
        rows = [
            {**row, "encoder_id": self._encoder_id}
            for row in encoded
            if texts.get(row["review_id"]) == row["text_sha256"]
        ]
        upsert(connection, REVIEW_VECTORS, rows, "review_id")
        ids = [row["review_id"] for row in rows]
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
