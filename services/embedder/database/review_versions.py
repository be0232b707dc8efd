"""Keeps a review that several sources have as its first source tells it.

IMDb's reviews have the same ids in every source. A source's data belongs to it: what another source
tells of a review is kept apart, and stands only when the first one no longer has the review.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, func, select, update

from services.embedder.database.models import OTHER_REVIEWS, REVIEWS
from services.embedder.database.review_store import (
    REVIEW_ITEM,
    SOURCE_ITEMS,
    store_reviews,
    upsert,
)
from shared.delivery.messages import ReviewMessage
from shared.record import validated_review


def set_apart(connection: Connection, items: Sequence[ReviewMessage]) -> list[ReviewMessage]:
    """Keep apart what sources tell of the reviews of others.

    Args:
        connection: An open write transaction, in which the sources of the items are not recorded.
        items: The messages.

    Returns:
        The messages of reviews that are their sources' own.
    """
    ids = [message.item_id for message in items]
    owners = {
        row.review_id: row.source
        for row in connection.execute(
            select(REVIEWS.c.review_id, REVIEWS.c.source).where(
                REVIEWS.c.review_id.in_(ids),
                exists().where(
                    SOURCE_ITEMS.c["item"] == REVIEW_ITEM, SOURCE_ITEMS.c.source == REVIEWS.c.source
                ),
            )
        )
    }
    own: list[ReviewMessage] = []
    others: dict[tuple[str, str], dict[str, Any]] = {}
    for message in items:
        if owners.setdefault(message.item_id, message.source) == message.source:
            own.append(message)
        else:
            others[message.source, message.item_id] = {
                "review_id": message.item_id,
                "source": message.source,
                "review": asdict(message.review),
            }
    upsert(connection, OTHER_REVIEWS, list(others.values()), "review_id", "source")
    return own


def hand_over(
    connection: Connection, source: str, review_ids: Select[Any], *, run_id: str, revision: int
) -> None:
    """Give the reviews that a source no longer has to the first by name of those that have them.

    Args:
        connection: An open write transaction.
        source: The source; it is no longer noted that it has them.
        review_ids: The ids of the reviews.
        run_id: The run that found them gone.
        revision: Number of this change.
    """
    connection.execute(
        delete(OTHER_REVIEWS).where(
            OTHER_REVIEWS.c.source == source, OTHER_REVIEWS.c.review_id.in_(review_ids)
        )
    )
    heirs = list(
        connection.execute(
            select(REVIEWS.c.review_id, func.min(SOURCE_ITEMS.c.source))
            .join(SOURCE_ITEMS, SOURCE_ITEMS.c["item"] == REVIEW_ITEM)
            .where(REVIEWS.c.source == source, REVIEWS.c.review_id.in_(review_ids))
            .group_by(REVIEWS.c.review_id)
        )
    )
    for review_id, heir in heirs:
        _inherit(connection, review_id, heir, run_id=run_id, revision=revision)


def _inherit(
    connection: Connection, review_id: str, heir: str, *, run_id: str, revision: int
) -> None:
    key = (OTHER_REVIEWS.c.review_id == review_id, OTHER_REVIEWS.c.source == heir)
    told = connection.execute(select(OTHER_REVIEWS.c.review).where(*key)).scalar()
    connection.execute(update(REVIEWS).where(REVIEWS.c.review_id == review_id).values(source=heir))
    if told is not None:
        review = validated_review(told)
        store_reviews(
            connection, [ReviewMessage(run_id=run_id, source=heir, review=review)], revision
        )
        connection.execute(delete(OTHER_REVIEWS).where(*key))
