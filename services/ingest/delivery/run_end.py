"""The last messages of a run: what it kept, and what it adds up to.

Sent after the crawl has closed, and only when it went well. An attempt that is killed meanwhile is
followed by one that sends them again, from the same visits.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

from services.ingest.context import Crawl
from services.ingest.delivery.run_totals import RunTotals
from services.ingest.visits.visits import Visits
from shared.delivery.messages import MAX_KEPT_ITEMS, REVIEWS_STREAM, KeptItems, RunEnd
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.delivery.streams import append_patiently
from shared.runs import registry


async def close_run(crawl: Crawl, visits: Visits, *, is_complete: bool) -> RunEnd:
    """Send what the run kept, and its end.

    Args:
        crawl: The run.
        visits: What it has sent and kept.
        is_complete: Whether it saw all of its source.

    Raises:
        One of ``UNAVAILABLE``: Redis stayed away.
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
        with suppress(*UNAVAILABLE):  # for show; the end itself is worth waiting
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
