"""Reads the embedder's database, for tests that look at what is stored."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from services.embedder.database.engine import reading
from services.embedder.database.models import REVIEWS
from services.embedder.database.review_store import UNENCODED
from services.embedder.database.work_list import WorkItem


def count_reviews(engine: Engine) -> int:
    """Count the stored reviews."""
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(REVIEWS)).scalar_one())


def backlog(engine: Engine, limit: int = 1000) -> list[WorkItem]:
    """Read the first reviews of the work list, whether claimed or not."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(REVIEWS.c.review_id, REVIEWS.c.text, REVIEWS.c.text_sha256)
            .join(UNENCODED, UNENCODED.c.review_id == REVIEWS.c.review_id)
            .order_by(UNENCODED.c.movie_id, UNENCODED.c.review_id)
            .limit(limit)
        )
        return [WorkItem(*row) for row in rows]
