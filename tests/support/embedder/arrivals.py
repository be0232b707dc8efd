"""Messages as ingest sends them, passed directly to the consumer, without a stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from shared.delivery.messages import (
    KeptItems,
    MovieMessage,
    PosterMessage,
    ReviewMessage,
    RunEnd,
    checksum_of_ids,
    ledger_id,
)
from shared.delivery.streams import Entry
from shared.record import MovieRecord, ReviewRecord

Sent = MovieMessage | ReviewMessage


def movie(name: str, *, run: str = "run-1", source: str = "site") -> MovieMessage:
    return MovieMessage(
        run_id=run, source=source, movie=MovieRecord(movie_id=name, title=name.upper())
    )


def review(
    name: str,
    movie_id: str = "tt1",
    *,
    run: str = "run-1",
    source: str = "site",
    text: str | None = None,
    fetched_at: datetime | None = None,
) -> ReviewMessage:
    return ReviewMessage(
        run_id=run,
        source=source,
        review=ReviewRecord(review_id=name, movie_id=movie_id, text=text or f"What {name} says."),
        fetched_at=fetched_at,
    )


def kept(*items: str, run: str = "run-1", source: str = "site", number: int = 0) -> KeptItems:
    return KeptItems(run_id=run, source=source, number=number, items=items)


def end(
    sent: Iterable[Sent],
    *,
    kept: Iterable[str] = (),
    run: str = "run-1",
    source: str = "site",
    complete: bool = False,
) -> RunEnd:
    """The end message of a run that sent these messages and named these ledger ids as kept."""
    ids = {ledger_id(message.kind, message.item_id) for message in sent}
    names = set(kept) - ids
    return RunEnd(
        run_id=run,
        source=source,
        emitted=len(ids),
        checksum=checksum_of_ids(ids),
        kept=len(names),
        kept_checksum=checksum_of_ids(names),
        complete=complete,
    )


def entries(messages: Sequence[Sent | PosterMessage | KeptItems | RunEnd]) -> list[Entry]:
    return [Entry(f"1-{number}", m.to_fields()) for number, m in enumerate(messages, 1)]


async def arrive(engine: Engine, *messages: Sent | PosterMessage | KeptItems | RunEnd) -> None:
    """Store messages as the embedder does, in one batch."""
    await ReviewConsumer(engine, lambda _: None).handle(entries(messages))
