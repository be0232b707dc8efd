"""The last messages of a run: the items that it kept, and its totals.

They are sent after the crawl has closed, and only when it succeeded. If the process is killed
meanwhile, the next attempt sends them again, from the same visits.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

from services.ingest.context import Crawl
from services.ingest.delivery.run_totals import RunTotals
from services.ingest.visits.visits import Visits
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import MAX_KEPT_ITEMS, KeptItems, RunEnd
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.delivery.streams import append_patiently
from shared.runs import registry


async def close_run(crawl: Crawl, visits: Visits, *, is_complete: bool) -> RunEnd:
    """Send the items that the run kept, and its end.

    Args:
        crawl: The context of the crawl.
        visits: The visits, which know the items that the run sent and kept.
        is_complete: Whether the run saw all of its source.

    Returns:
        The message of the run's end.

    Raises:
        One of ``UNAVAILABLE``: Redis is unavailable for longer than the crawl waits.
        sqlite3.Error: the visits cannot be read.
    """
    run_id, source = crawl.run_id, crawl.source.name
    redis = connect(crawl.redis_url)
    try:
        kept = RunTotals()
        items = visits.kept_items()
        number = 0
        while portion := tuple(islice(items, MAX_KEPT_ITEMS)):
            message = KeptItems(run_id=run_id, source=source, number=number, items=portion)
            await append_patiently(
                redis,
                REVIEWS_STREAM,
                [message.to_fields()],
                give_up_after_s=crawl.give_up_after_s,
            )
            for item in portion:
                kept.add(item)
            number += 1
        sent = RunTotals.of(visits.sent_items())
        with suppress(*UNAVAILABLE):  # progress only; the end below waits for Redis
            await registry.set_fields(
                redis, run_id, movies=sent.movies, crawled=sent.reviews, kept=kept.reviews
            )
        end = RunEnd(
            run_id=run_id,
            source=source,
            emitted=sent.items,
            checksum=sent.checksum,
            kept=kept.items,
            kept_checksum=kept.checksum,
            complete=is_complete,
        )
        await append_patiently(
            redis, REVIEWS_STREAM, [end.to_fields()], give_up_after_s=crawl.give_up_after_s
        )
        return end
    finally:
        await redis.aclose()
