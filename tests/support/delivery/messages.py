"""Messages as ingest would send them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.delivery import messages
from shared.delivery.messages import MovieMessage, ReviewMessage, RunEnd, ledger_id
from shared.record import MovieRecord, ReviewRecord


def movie(number: int, *, run_id: str = "run-1", title: str | None = None) -> MovieMessage:
    return MovieMessage(
        run_id=run_id,
        source="test",
        movie=MovieRecord(
            movie_id=f"tt{number:07d}",
            title=title or f"Film {number}",
            year=1950 + number % 70,
            genres=("Drama",),
        ),
    )


def review(movie_number: int, number: int, text: str, *, run_id: str = "run-1") -> ReviewMessage:
    return ReviewMessage(
        run_id=run_id,
        source="test",
        review=ReviewRecord(
            review_id=f"test:{movie_number}-{number}",
            movie_id=f"tt{movie_number:07d}",
            text=text,
            rating=number % 11,
        ),
    )


def run_end(items: Sequence[MovieMessage | ReviewMessage], *, run_id: str = "run-1") -> RunEnd:
    ids = {ledger_id(item.kind, item.item_id) for item in items}
    return RunEnd(
        run_id=run_id, source="test", emitted=len(ids), checksum=messages.checksum_of_ids(ids)
    )


def small_run(
    movies: int = 3, reviews: int = 2, *, run_id: str = "run-1", word: str = "quiet"
) -> list[MovieMessage | ReviewMessage]:
    """Some movies with reviews whose words distinguish them."""
    items: list[MovieMessage | ReviewMessage] = []
    for m in range(movies):
        items.append(movie(m, run_id=run_id))
        items.extend(
            review(m, r, f"A {word} film about subject{m}. Viewer{r} liked it.", run_id=run_id)
            for r in range(reviews)
        )
    return items
