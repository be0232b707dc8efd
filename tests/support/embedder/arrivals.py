"""Messages as ingest sends them, straight into the consumer: no stream in between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from shared.delivery.messages import (
    KeptItems,
    Movie,
    MovieMessage,
    Review,
    ReviewMessage,
    RunEnd,
    checksum_of_ids,
    ledger_id,
)
from shared.delivery.streams import Entry

Sent = MovieMessage | ReviewMessage


def movie(name: str, *, run: str = "run-1", source: str = "site") -> MovieMessage:
    return MovieMessage(run_id=run, source=source, movie=Movie(movie_id=name, title=name.upper()))


def review(
    name: str,
    film: str = "tt1",
    *,
    run: str = "run-1",
    source: str = "site",
    text: str | None = None,
    fetched_at: datetime | None = None,
) -> ReviewMessage:
    return ReviewMessage(
        run_id=run,
        source=source,
        review=Review(review_id=name, movie_id=film, text=text or f"What {name} says."),
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
    """The end of a run that sent these messages, and named these ledger ids as kept."""
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


def entries(messages: Sequence[Sent | KeptItems | RunEnd]) -> list[Entry]:
    return [Entry(f"1-{number}", m.to_fields()) for number, m in enumerate(messages, 1)]


async def arrive(engine: Engine, *messages: Sent | KeptItems | RunEnd) -> None:
    """Have the embedder store messages, as one batch."""
    await ReviewConsumer(engine, lambda _: None).handle(entries(messages))
