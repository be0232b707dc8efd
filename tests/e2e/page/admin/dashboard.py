"""Shared by the tests of the admin page."""

from __future__ import annotations

from playwright.async_api import Page

from shared.delivery.keys import DEAD_LETTERS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run

TOKEN = "correct-horse-battery-staple-0123456789"
HELD_BACK = (
    "8 of the 10 reviews and 1 of the 3 movies that source demo had are gone from it, more than "
    "half: nothing was removed; to confirm, crawl it again with `movie-search ingest demo "
    '--allow-removals`, or "allow_removals": true'
)


async def sign_in(page: Page, token: str) -> None:
    await page.locator("#token").fill(token)
    await page.locator("#token").press("Enter")


async def begin(redis: Client, source: str = "demo") -> Run:
    run, _ = await registry.request_run(redis, source)
    await registry.advance(redis, run, "crawling")
    return run


async def dead_letter(redis: Client, number: int, **fields: str) -> None:
    entry = {"v": "1", "kind": "review", "run": "r", "id": f"demo:{number}", "body": "{}"}
    details = {"entry": f"{number}-0", "reason": f"it is the {number}th", "deliveries": "5"}
    await redis.xadd(DEAD_LETTERS_STREAM, {**entry, **details, **fields})
