"""Step 3: messages are sent to the Redis stream ``reviews``.

``services.ingest.delivery.stream_sender`` sends each item of a run once, in batches, and waits for
Redis to confirm them. What is confirmed enters the run's totals: at the end of the run, the message
``run_end`` carries the number of items and a checksum of their ids, and the embedder compares.
"""

from services.ingest.context import Crawl
from services.ingest.delivery.stream_sender import StreamSender
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.visits.visits import open_visits
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import checksum_of_ids, ledger_id, parse
from shared.delivery.redis_client import Client
from tests.tour.journey import HARBOUR_URL, RUN_ID, SOURCE, messages


async def test_messages_reach_the_stream(redis: Client, redis_url: str) -> None:
    source = SchemaOrgSource(name=SOURCE, spider="schema_org", start_urls=(HARBOUR_URL,))
    crawl = Crawl(RUN_ID, source, redis_url, stream_high=1000, stream_low=500)
    visits = open_visits(None, RUN_ID, baseline=None, fingerprint="tour")
    lost: list[str] = []
    sender = StreamSender(redis, crawl, visits, on_lost=lost.append, on_full=lambda full: None)

    for message in [*messages(), *messages()]:  # the second time, nothing is new
        await sender.send(message)
    await sender.flush()

    entries = await redis.xrange(REVIEWS_STREAM)
    assert [parse(fields) for _, fields in entries] == messages()
    items = {ledger_id(message.kind, message.item_id) for message in messages()}
    assert sender.totals.items == len(items) == 5
    assert sender.totals.checksum == checksum_of_ids(items)
    assert lost == []
    await sender.close()
    visits.close()
