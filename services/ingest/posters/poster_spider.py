"""The spider for posters: fetches pictures, makes them small, and sends each to the stream.

It has neither items nor visits: a picture that the stream has confirmed is recorded at once
(``visits.poster_records``), and one that failed is noted with the reason. Pictures are larger than
reviews, so no more is sent while the stream has more than a few entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

from scrapy import Request, Spider
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from services.ingest.context import Crawl
from services.ingest.pages.unread import Unread
from services.ingest.posters.poster_image import ImageRefused, to_poster
from services.ingest.visits.poster_records import PosterRecords
from services.ingest.web.extensions import extension_of
from services.ingest.web.shutdown import CrawlShutdown, CrawlShuttingDown
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import PosterMessage
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import append_patiently
from shared.telemetry import get_logger

MAX_IN_FLIGHT: Final = 16
MAX_STREAM_ENTRIES: Final = 500
"""Entries of the stream above which no picture is sent: at most 88 KiB each, in base64."""
POLL_S: Final = 0.25


class PosterSpider(Spider):
    """Fetches the pictures that the run wants.

    Args:
        crawl: The context of the requests.
        records: What has been fetched of the source.
    """

    name = "posters"

    def __init__(self, crawl: Crawl, records: PosterRecords, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._crawl = crawl
        self._records = records
        self._redis: Client = connect(crawl.redis_url)
        self._most_entries = min(MAX_STREAM_ENTRIES, crawl.stream_high)
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._decoding = asyncio.Lock()  # one picture at a time in memory
        self.sent = 0
        """Number of pictures that the stream has confirmed."""
        self.unread: list[Unread] = []
        """The pictures that could not be had."""

    async def start(self) -> AsyncIterator[Request]:
        """Yield the requests, a few at a time."""
        for url in self._records.wanted():
            await self._room.acquire()
            yield Request(
                url,
                headers={"Accept": "image/webp,image/jpeg,image/png,image/gif"},
                callback=self.picture_received,
                errback=self.picture_failed,
                cb_kwargs={"url": url},
                dont_filter=True,
            )

    async def picture_received(self, response: Response, url: str) -> None:
        """Send a picture; called by Scrapy."""
        try:
            async with self._decoding:
                self._records.tried(url)
                image = await asyncio.to_thread(to_poster, response.body)
            await self._send(url, image)
        except ImageRefused as error:
            self._note(url, str(error))
        except ValueError as error:  # the message refuses it
            self._note(url, f"it cannot be sent: {error}")
        except UNAVAILABLE as error:
            extension_of(self.crawler, CrawlShutdown).end("stream_lost", str(error))
        finally:
            self._room.release()

    def picture_failed(self, failure: Failure) -> None:
        """Note a picture that could not be fetched; called by Scrapy."""
        self._room.release()
        error = failure.value
        if isinstance(error, CrawlShuttingDown):
            return
        url = failure.request.cb_kwargs["url"]  # type: ignore[attr-defined]
        if isinstance(error, HttpError):
            self._note(url, f"HTTP status {error.response.status}")
        elif isinstance(error, IgnoreRequest):
            self._note(url, str(error) or "robots.txt forbids it")
        else:
            self._note(url, failure.getErrorMessage())

    async def closed(self, reason: str) -> None:
        """Close the connection to the stream; called by Scrapy."""
        get_logger().info("posters fetched", sent=self.sent, failed=len(self.unread), reason=reason)
        await self._redis.aclose()

    async def _send(self, url: str, image: bytes) -> None:
        message = PosterMessage(
            run_id=self._crawl.run_id,
            source=self._crawl.source.name,
            fetched_at=datetime.now(UTC),
            url=url,
            image=image,
        )
        shutdown = extension_of(self.crawler, CrawlShutdown)
        while await self._redis.xlen(REVIEWS_STREAM) >= self._most_entries:
            if shutdown.is_shutting_down:
                return  # the next run fetches it again
            await asyncio.sleep(POLL_S)
        await append_patiently(
            self._redis,
            REVIEWS_STREAM,
            [message.to_fields()],
            give_up_after_s=self._crawl.give_up_after_s,
        )
        self._records.stored(url, message.item_id)
        self.sent += 1

    def _note(self, url: str, why: str) -> None:
        get_logger().info("poster not read", url=url, reason=why)
        self.unread.append(Unread("value", url, f"no poster: {why}"))
