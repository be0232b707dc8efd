"""Stores the messages of the stream ``reviews`` in SQL.

One transaction stores the movies, reviews and posters of a batch, marks their movies as changed,
records that their source has the movies and reviews, and counts them for their runs.
``shared.delivery.streams`` acknowledges the entries only after it has committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from services.embedder.database import run_ledger
from services.embedder.database.engine import RETRYABLE, writing
from services.embedder.database.former_ids import note_renamed, with_own_id
from services.embedder.database.movie_store import store_movies
from services.embedder.database.poster_store import store_posters
from services.embedder.database.review_store import (
    next_revision,
    record_kept,
    record_sources,
    store_reviews,
)
from services.embedder.database.review_versions import set_apart
from services.embedder.database.set_aside import encode_again
from services.embedder.database.withheld import is_withheld, not_withheld
from shared.delivery.messages import (
    KeptItems,
    Message,
    MessageInvalid,
    MovieMessage,
    PosterMessage,
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
        messages = [message for _, message in parsed]
        sent = [m for m in messages if isinstance(m, MovieMessage | ReviewMessage)]
        named = [with_own_id(message) for message in sent]
        posters = [message for _, message in parsed if isinstance(message, PosterMessage)]
        with writing(self._engine) as connection:
            revision = next_revision(connection)
            stored = not_withheld(connection, named)
            movies = [message for message in stored if isinstance(message, MovieMessage)]
            reviews = [message for message in stored if isinstance(message, ReviewMessage)]
            changed = {
                "movie": store_movies(connection, movies, revision) if movies else set(),
                "review": store_reviews(connection, set_apart(connection, reviews), revision)
                if reviews
                else set(),
                "poster": store_posters(connection, posters, revision) if posters else set(),
            }
            record_sources(connection, stored)
            counted = [
                _counted(message, now.item_id in changed[now.kind], revision)
                for message, now in zip(sent, named, strict=True)
            ]
            run_ledger.count_items(connection, counted)
            note_renamed(connection, zip(sent, named, strict=True))
            for entry, message in parsed:
                if isinstance(message, KeptItems):
                    if not is_withheld(connection, "source", message.source):
                        record_kept(connection, message)
                    run_ledger.count_items(connection, run_ledger.kept_items(message))
                elif isinstance(message, RunEnd):
                    run_ledger.record_end(connection, message, entry.entry_id)
            replayed = [
                message.item_id
                for entry, message in parsed
                if isinstance(message, ReviewMessage) and "replays" in entry.fields
            ]
            is_tried_again = bool(replayed) and encode_again(connection, replayed)
        return is_tried_again or any(changed.values())


def _counted(
    message: MovieMessage | ReviewMessage, is_changed: bool, revision: int
) -> run_ledger.Item:
    return run_ledger.Item(
        message.run_id,
        message.source,
        ledger_id(message.kind, message.item_id),
        message.item_id if message.kind == "review" else None,
        "stored" if is_changed else "duplicate",
        revision,
        message.fetched_at.timestamp() if message.fetched_at is not None else None,
    )


def _parse(entry: Entry) -> Message:
    try:
        message = parse(entry.fields)
    except MessageInvalid as error:
        raise EntryInvalid(entry, str(error)) from error
    if not isinstance(message, MovieMessage | ReviewMessage | PosterMessage | KeptItems | RunEnd):
        raise EntryInvalid(entry, f"a {message.kind} message does not belong on this stream")
    return message
