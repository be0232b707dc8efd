"""What the tests of the operator's corner have in common."""

from __future__ import annotations

from playwright.async_api import Page

from shared.delivery.messages import DEAD_LETTERS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run

TOKEN = "correct-horse-battery-staple-0123456789"
HELD_BACK = (
    "8 of the 10 reviews that source demo had are gone from it, more than half: nothing was "
    'removed; if they are really gone, crawl again with `--allow-removals`, or "allow_removals": '
    "true"
)


async def enter(page: Page, token: str) -> None:
    await page.locator("#token").fill(token)
    await page.locator("#token").press("Enter")


async def begin(redis: Client, source: str = "demo") -> Run:
    run, _ = await registry.request_run(redis, source)
    await registry.advance(redis, run, "crawling")
    return run


async def dead_letter(redis: Client, number: int, **fields: str) -> None:
    entry = {"v": "1", "kind": "review", "run": "r", "id": f"demo:{number}", "body": "{}"}
    told = {"entry": f"{number}-0", "reason": f"it is the {number}th", "deliveries": "5"}
    await redis.xadd(DEAD_LETTERS_STREAM, {**entry, **told, **fields})
