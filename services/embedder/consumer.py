"""Stores the messages of the stream ``reviews`` in SQL.

One transaction stores the movies and reviews of a batch, marks their movies as changed, records
that their source has them, and counts the items of their runs. ``shared.delivery.streams``
acknowledges the entries only after it has committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Engine

from services.embedder.database import run_ledger
from services.embedder.database.engine import RETRYABLE, writing
from services.embedder.database.review_store import (
    next_revision,
    record_kept,
    record_sources,
    store_movies,
    store_reviews,
)
from shared.delivery.messages import (
    KeptItems,
    Message,
    MessageInvalid,
    MovieMessage,
    ReviewMessage,
    RunEnd,
    ledger_id,
    named_item,
    parse,
)
from shared.delivery.streams import Entry, EntryInvalid, Unavailable


class ReviewConsumer:
    """Handles batches of the stream ``reviews``.

    Args:
        engine: The database.
        on_stored: Called after each commit, with whether it changed any movie or review.
    """

    def __init__(self, engine: Engine, on_stored: Callable[[bool], None]) -> None:
        self._engine = engine
        self._on_stored = on_stored

    async def handle(self, entries: Sequence[Entry]) -> None:
        """Store a batch; returns after the commit.

        Raises:
            EntryInvalid: An entry is not a valid message of this stream.
            Unavailable: The database is locked, full or unavailable; nothing was stored.
        """
        parsed = [(entry, _parse(entry)) for entry in entries]
        try:
            changed = await asyncio.to_thread(self._store, parsed)
        except RETRYABLE as error:
            raise Unavailable(f"database: {error.orig}") from error
        self._on_stored(changed)

    async def on_dead(self, entry: Entry, reason: str) -> None:  # noqa: ARG002 - the dead letter has it
        """Count an entry that is moved to the dead letters.

        Raises:
            Unavailable: The database is locked, full or unavailable; nothing was counted.
        """
        item = named_item(entry.fields)
        if item is None:
            return  # its run is unknown, and will end as incomplete
        dead_item = run_ledger.dead_item(*item)
        try:
            await asyncio.to_thread(self._count, dead_item)
        except RETRYABLE as error:
            raise Unavailable(f"database: {error.orig}") from error
        self._on_stored(False)

    def _count(self, item: run_ledger.Item) -> None:
        with writing(self._engine) as connection:
            run_ledger.count_items(connection, [item])

    def _store(self, parsed: Sequence[tuple[Entry, Message]]) -> bool:
        movies = [message for _, message in parsed if isinstance(message, MovieMessage)]
        reviews = [message for _, message in parsed if isinstance(message, ReviewMessage)]
        with writing(self._engine) as connection:
            revision = next_revision(connection)
            changed = {
                "movie": store_movies(connection, movies, revision) if movies else set(),
                "review": store_reviews(connection, reviews, revision) if reviews else set(),
            }
            sent: list[MovieMessage | ReviewMessage] = [*movies, *reviews]
            record_sources(connection, sent)
            run_ledger.count_items(connection, [_counted(m, changed, revision) for m in sent])
            for entry, message in parsed:
                if isinstance(message, KeptItems):
                    record_kept(connection, message)
                    run_ledger.count_items(connection, run_ledger.kept_items(message))
                elif isinstance(message, RunEnd):
                    run_ledger.record_end(connection, message, entry.entry_id)
        return any(changed.values())


def _counted(
    message: MovieMessage | ReviewMessage, changed: Mapping[str, set[str]], revision: int
) -> run_ledger.Item:
    return run_ledger.Item(
        message.run_id,
        message.source,
        ledger_id(message.kind, message.item_id),
        message.item_id if message.kind == "review" else None,
        "stored" if message.item_id in changed[message.kind] else "duplicate",
        revision,
        message.fetched_at.timestamp() if message.fetched_at is not None else None,
    )


def _parse(entry: Entry) -> Message:
    try:
        message = parse(entry.fields)
    except MessageInvalid as error:
        raise EntryInvalid(entry, str(error)) from error
    if not isinstance(message, MovieMessage | ReviewMessage | KeptItems | RunEnd):
        raise EntryInvalid(entry, f"a {message.kind} message does not belong on this stream")
    return message
