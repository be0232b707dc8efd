"""Stream to SQL: the delivery rules' handler.

One transaction stores a batch's movies and reviews, marks their films as changed, notes that their
source has them and counts the items of their runs; only when it has committed does
``shared.delivery.streams`` acknowledge the entries.
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
        on_stored: Called after a commit; whether films or reviews have changed by it.
    """

    def __init__(self, engine: Engine, on_stored: Callable[[bool], None]) -> None:
        self._engine = engine
        self._on_stored = on_stored

    async def handle(self, entries: Sequence[Entry]) -> None:
        """Store a batch; returns when it is committed.

        Raises:
            EntryInvalid: an entry is no message of ours.
            Unavailable: the database is locked, full or away; nothing was stored.
        """
        parsed = [(entry, _parse(entry)) for entry in entries]
        try:
            changed = await asyncio.to_thread(self._store, parsed)
        except RETRYABLE as error:
            raise Unavailable(f"database: {error.orig}") from error
        self._on_stored(changed)

    async def on_dead(self, entry: Entry, reason: str) -> None:  # noqa: ARG002 - in the dead letter
        """Count an entry that goes to the dead letters."""
        item = named_item(entry.fields)
        if item is None:
            return  # nothing to count it under: its run will end incomplete
        counted = run_ledger.dead_item(*item)
        try:
            await asyncio.to_thread(self._count, counted)
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
