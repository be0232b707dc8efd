"""Crawls: asked for, followed, cancelled."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from shared.delivery.messages import COMMANDS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.e2e.page.admin.desk import HELD_BACK, begin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_run_is_followed_live_and_cancelled_with_a_second_thought(
    desk: Page, redis: Client
) -> None:
    card = desk.locator(".source").first
    await card.get_by_role("button", name="Re-ingest demo").click()
    await expect(card.locator(".badge")).to_have_text("queued")
    [run] = await registry.active_runs(redis)
    assert run.allow_removals is False
    await registry.advance(redis, run, "crawling")
    await registry.set_fields(redis, run.run_id, pages=12, crawled=40, stored=10, duplicate=20)
    await expect(card.locator("[aria-current=step]")).to_have_text("crawling")
    await expect(card).to_contain_text("40 reviews seen")
    await expect(card.locator(".shares li")).to_have_text(
        ["10 new or changed", "20 unchanged", "10 on the way"]
    )

    dialog = desk.get_by_role("dialog")
    await card.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="No, leave it").click()
    assert await registry.active_runs(redis)
    await card.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="Cancel the crawl").click()
    await expect(card.locator(".badge")).to_have_text("cancelled")
    assert await registry.active_runs(redis) == []
    history = desk.locator("[aria-labelledby=runs] .card").first
    await expect(history).to_contain_text("an operator cancelled it")


async def test_each_click_is_one_run_however_often_it_is_sent(desk: Page, redis: Client) -> None:
    keys: list[str] = []

    async def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fetch()  # it arrives, and its answer does not
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await desk.route(lambda url: url.endswith("/admin/ingest"), lose_the_first_answer)
    card = desk.locator(".source").first
    await card.get_by_role("button", name="Re-ingest demo").click()
    await expect(card.get_by_role("status")).to_have_text("The crawl is asked for.")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_a_run_that_was_held_back_may_remove_when_the_operator_says_so(
    desk: Page, redis: Client
) -> None:
    run = await begin(redis)
    await registry.advance(redis, run, "incomplete", error=HELD_BACK)
    card = desk.locator(".source").first
    await expect(card.locator(".error")).to_have_text(HELD_BACK)  # in full
    await card.get_by_role("button", name="Re-ingest and allow removals").click()
    dialog = desk.get_by_role("dialog", name="Let demo lose more than half?")
    await dialog.get_by_role("button", name="Crawl, and allow removals").click()
    await expect(card.locator(".badge")).to_have_text("queued")
    [wanted] = await registry.active_runs(redis)
    assert wanted.allow_removals is True
    other = desk.locator(".source").nth(1)
    await expect(other.get_by_role("button")).to_have_count(1)


async def test_a_source_that_somebody_else_has_started_is_shown_as_it_is(
    desk: Page, redis: Client
) -> None:
    card = desk.locator(".source").nth(1)
    button = card.get_by_role("button", name="Re-ingest other")
    await expect(button).to_be_enabled()
    await registry.request_run(redis, "other")
    await button.click()
    await expect(card.locator(".badge")).to_have_text("queued")
    assert await redis.xlen(COMMANDS_STREAM) == 1
