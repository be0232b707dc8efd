"""Reviews that cannot be encoded: those whose attempts are used up, and another chance for them.

A review that has been set aside has a row of vectors without any, like one whose vectors are not
usable: it stays stored, and is left out of search until its text changes, another encoder is in
use, or somebody replays its dead letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, delete, func, literal, select, update

from services.embedder.database.engine import writing
from services.embedder.database.models import REVIEWS
from services.embedder.database.review_store import SOURCE_ITEMS, UNENCODED, insert
from services.embedder.database.run_ledger import ITEMS
from services.embedder.database.work_list import (
    FEW,
    MAX_ATTEMPTS,
    REVIEW_VECTORS,
    is_free,
)
from shared.delivery.messages import ledger_id
from shared.record import REVIEW_FACTS, ReviewRecord


@dataclass(frozen=True, slots=True)
class ExhaustedReview:
    """A review that could not be encoded in ``MAX_ATTEMPTS`` attempts.

    ``run_id`` is the newest open run that has it, or else the one that first saw it, if known;
    ``error`` is why the last attempt failed, None if it ended the process.
    """

    review: ReviewRecord
    text_sha256: str
    source: str
    run_id: str | None
    error: str | None

    @property
    def reason(self) -> str:
        """Why it could not be encoded."""
        if self.error is not None:
            return f"encoding failed {MAX_ATTEMPTS} times: {self.error}"
        return f"the process ended while encoding it, {MAX_ATTEMPTS} times"


def exhausted_reviews(engine: Engine, holder: str) -> list[ExhaustedReview]:
    """Claim reviews on the work list that are not to be tried again.

    ``WorkList.save`` without vectors takes them off the list.

    Args:
        engine: The database.
        holder: Name of the claimant.
    """
    item = literal(ledger_id("review", "")) + REVIEWS.c.review_id
    open_run = select(func.max(ITEMS.c.run_id)).where(ITEMS.c["item"] == item)
    first_run = select(func.max(SOURCE_ITEMS.c.added_by)).where(SOURCE_ITEMS.c["item"] == item)
    run = func.coalesce(open_run.scalar_subquery(), first_run.scalar_subquery())
    with writing(engine) as connection:
        found = connection.execute(
            select(UNENCODED.c.review_id, UNENCODED.c.error)
            .where(is_free(holder), UNENCODED.c.attempts >= MAX_ATTEMPTS)
            .limit(FEW)
            .with_for_update(skip_locked=True)
        )
        errors = {row.review_id: row.error for row in found}
        if not errors:
            return []
        connection.execute(
            update(UNENCODED)
            .where(UNENCODED.c.review_id.in_(list(errors)))
            .values(claimed_by=holder)
        )
        rows = connection.execute(
            select(REVIEWS, run.label("run_id")).where(REVIEWS.c.review_id.in_(list(errors)))
        )
        return [
            ExhaustedReview(
                review=ReviewRecord(
                    review_id=row["review_id"],
                    movie_id=row["movie_id"],
                    text=row["text"],
                    **{field.name: row[field.name] for field in REVIEW_FACTS},
                ),
                text_sha256=row["text_sha256"],
                source=row["source"],
                run_id=row["run_id"],
                error=errors[row["review_id"]],
            )
            for row in rows.mappings()
        ]


def encode_again(connection: Connection, ids: Sequence[str]) -> bool:
    """Put reviews that were set aside on the work list again; returns whether any was.

    Args:
        connection: An open write transaction.
        ids: Reviews of which somebody asked for another attempt.
    """
    aside = and_(REVIEW_VECTORS.c.review_id.in_(list(ids)), REVIEW_VECTORS.c.passages == 0)
    again = select(REVIEWS.c.review_id, REVIEWS.c.movie_id).where(
        REVIEWS.c.review_id.in_(select(REVIEW_VECTORS.c.review_id).where(aside))
    )
    added = connection.execute(
        insert(connection, UNENCODED)
        .from_select(["review_id", "movie_id"], again)
        .on_conflict_do_nothing()
        .returning(UNENCODED.c.review_id)
    ).all()
    connection.execute(delete(REVIEW_VECTORS).where(aside))
    return bool(added)
