"""Dead letters, snapshots, and an unavailable Redis."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from shared.delivery.dead_letters import count_letters
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import activation_requests, registry
from tests.e2e.page.admin.dashboard import TOKEN, dead_letter, sign_in
from tests.support.delivery.redis_server import RedisServer
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MARKUP = "<img src=x onerror=alert(1)>"


async def test_dead_letters_are_shown_replayed_and_discarded(
    dashboard: Page, redis: Client
) -> None:
    for number in range(1, 24):
        await dead_letter(redis, number)
    await dead_letter(redis, 24, reason=MARKUP, body=MARKUP)
    await dead_letter(redis, 25, truncated="9000000", body="")
    await dashboard.reload()
    await sign_in(dashboard, TOKEN)
    panel = dashboard.locator("[aria-labelledby=letters]")
    await expect(panel).to_contain_text("25 messages could not be stored")
    letters = panel.locator(".letter")
    await expect(letters).to_have_count(20)
    await expect(letters.first.get_by_role("button", name="Replay")).to_have_count(0)
    await letters.nth(1).locator("summary").click()
    await expect(letters.nth(1).locator(".payload")).to_contain_text(MARKUP)
    await expect(letters.nth(1).locator(".error")).to_have_text(MARKUP)
    assert await dashboard.locator(".admin img").count() == 0

    await letters.nth(1).get_by_role("button", name="Replay").click()
    await expect(panel.get_by_role("status").first).to_have_text("1 message replayed.")
    await expect(panel.get_by_role("heading", level=2)).to_be_focused()
    await expect(panel).to_contain_text("24 messages")
    [(_, sent)] = await redis.xrange(REVIEWS_STREAM)
    assert sent["id"] == "demo:24"

    dialog = dashboard.get_by_role("dialog")
    await letters.first.get_by_role("button", name="Discard").click()
    await dialog.get_by_role("button", name="Discard").click()
    await expect(panel).to_contain_text("23 messages")

    await panel.get_by_role("button", name="Older").click()
    await expect(letters).to_have_count(3)
    await panel.get_by_role("button", name="Replay all").click()
    await dialog.get_by_role("button", name="Replay all").click()
    await expect(panel.get_by_role("status").first).to_have_text("23 messages replayed.")
    await expect(panel).to_contain_text("No dead letters. Every message was stored.")
    assert await count_letters(redis) == 0
    assert await redis.xlen(REVIEWS_STREAM) == 24


async def test_a_roll_back_is_followed_to_its_outcome(
    dashboard: Page, redis: Client, builder: SnapshotBuilder
) -> None:
    first = await dashboard.locator(".snapshot .id").first.inner_text()
    builder.publish()
    shelf = dashboard.locator("[aria-labelledby=snapshots]")
    await shelf.get_by_role("button", name=f"Roll back to {first}").click(timeout=60_000)
    await dashboard.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await expect(shelf.get_by_role("status")).to_contain_text("The embedder is verifying it")
    await expect(shelf.locator(".snapshot button")).to_be_disabled()

    request = await activation_requests.next_queued(redis)
    assert request is not None
    assert request.snapshot_id == first
    refused = request.model_copy(update={"state": "refused", "reason": "vectors.npy is damaged"})
    await activation_requests.conclude(redis, refused)
    await expect(shelf.get_by_role("status")).to_have_text(
        f"{first} was refused: vectors.npy is damaged."
    )
    await expect(shelf.locator(".snapshot button")).to_be_enabled()


async def test_the_page_recovers_from_an_unavailable_redis(
    dashboard: Page, private_redis: RedisServer
) -> None:
    private_redis.kill()
    health = dashboard.locator("[aria-labelledby=health]")
    await expect(health).to_contain_text("Redis cannot be reached", timeout=60_000)
    await expect(health).to_contain_text("online")
    await expect(dashboard.locator(".snapshot")).to_have_count(1)  # snapshots do not need Redis
    private_redis.start()
    await expect(health).to_contain_text("available", timeout=60_000)


async def test_a_source_that_is_no_longer_configured_is_named(
    dashboard: Page, redis: Client
) -> None:
    sources = dashboard.locator("[aria-labelledby=sources]")
    await expect(sources).not_to_contain_text("no longer configured")
    await registry.publish_stored_sources(redis, {"demo", "old_site"})
    await dashboard.reload()
    await sign_in(dashboard, TOKEN)
    sources = dashboard.locator("[aria-labelledby=sources]")
    await expect(sources).to_contain_text("old_site is no longer configured")
    await expect(sources).to_contain_text("movie-search remove source old_site")
    await expect(dashboard.locator(".source")).to_have_count(2)
