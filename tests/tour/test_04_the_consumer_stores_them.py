"""Step 4: the embedder's consumer stores the messages in SQL.

``shared.delivery.streams`` has the delivery rules: an entry is acknowledged and deleted only after
its batch is committed. ``services.embedder.consumer`` is the handler: one transaction stores a
batch's movies and reviews and counts them for their run. All that follows can be computed again.
"""

import asyncio

from sqlalchemy import Engine, text

from services.embedder.consumer import ReviewConsumer
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.delivery.streams import StreamConsumer, append
from tests.support.waiting import async_wait_until
from tests.tour.journey import messages


async def test_the_consumer_stores_them(redis: Client, redis_url: str, engine: Engine) -> None:
    await append(redis, REVIEWS_STREAM, [message.to_fields() for message in messages()])
    handler = ReviewConsumer(engine, on_stored=lambda changed: None)
    consumer = StreamConsumer(
        url=redis_url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name="tour",
        handle=handler.handle, on_dead=handler.on_dead, dead_stream=DEAD_LETTERS_STREAM,
    )  # fmt: skip

    async def stream_is_empty() -> bool:
        return not await redis.xlen(REVIEWS_STREAM)

    task = asyncio.create_task(consumer.run(stop := asyncio.Event()))
    await async_wait_until(stream_is_empty)
    stop.set()
    await task

    with engine.connect() as connection:
        movies = connection.execute(text("SELECT title FROM movies ORDER BY movie_id")).scalars()
        assert list(movies) == ["The Quiet Harbour", "Night Chase"]
        assert connection.execute(text("SELECT count(*) FROM reviews")).scalar() == 3
