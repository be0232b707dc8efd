"""Crawls: requested, followed, cancelled."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from shared.delivery.keys import COMMANDS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.e2e.page.admin.dashboard import HELD_BACK, begin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_run_is_followed_live_and_cancelled_after_confirmation(
    dashboard: Page, redis: Client
) -> None:
    card = dashboard.locator(".source").first
    await card.get_by_role("button", name="Crawl now demo").click()
    await expect(card.locator(".badge")).to_have_text("queued")
    [run] = await registry.active_runs(redis)
    assert run.allow_removals is False
    await registry.advance(redis, run, "crawling")
    await registry.set_fields(redis, run.run_id, pages=12, crawled=40, stored=10, duplicate=20)
    await expect(card.locator("[aria-current=step]")).to_have_text("crawling")
    await expect(card).to_contain_text("40 reviews so far")
    await expect(card.locator(".shares li")).to_have_text(
        ["10 new or changed", "20 unchanged", "10 in progress"]
    )

    dialog = dashboard.get_by_role("dialog")
    await card.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="Go back").click()
    assert await registry.active_runs(redis)
    await card.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="Cancel crawl").click()
    await expect(card.locator(".badge")).to_have_text("cancelled")
    assert await registry.active_runs(redis) == []
    history = dashboard.locator("[aria-labelledby=runs] .card").first
    await expect(history).to_contain_text("cancelled by an operator")


async def test_a_repeated_request_starts_one_run(dashboard: Page, redis: Client) -> None:
    keys: list[str] = []

    async def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fetch()  # the request arrives, but its response is lost
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await dashboard.route(lambda url: url.endswith("/admin/ingest"), lose_the_first_answer)
    card = dashboard.locator(".source").first
    await card.get_by_role("button", name="Crawl now demo").click()
    await expect(card.get_by_role("status")).to_have_text("Crawl requested.")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_the_operator_can_allow_removals_after_a_run_was_held_back(
    dashboard: Page, redis: Client
) -> None:
    run = await begin(redis)
    await registry.advance(redis, run, "incomplete", error=HELD_BACK)
    card = dashboard.locator(".source").first
    await expect(card.locator(".error")).to_have_text(HELD_BACK)  # in full
    await card.get_by_role("button", name="Crawl and allow removals").click()
    dialog = dashboard.get_by_role("dialog", name="Allow removing more than half of demo?")
    await dialog.get_by_role("button", name="Crawl and allow removals").click()
    await expect(card.locator(".badge")).to_have_text("queued")
    [run] = await registry.active_runs(redis)
    assert run.allow_removals is True
    other = dashboard.locator(".source").nth(1)
    await expect(other.get_by_role("button")).to_have_count(1)


async def test_a_run_that_another_operator_started_is_shown(dashboard: Page, redis: Client) -> None:
    card = dashboard.locator(".source").nth(1)
    button = card.get_by_role("button", name="Crawl now other")
    await expect(button).to_be_enabled()
    await registry.request_run(redis, "other")
    await button.click()
    await expect(card.locator(".badge")).to_have_text("queued")
    assert await redis.xlen(COMMANDS_STREAM) == 1
