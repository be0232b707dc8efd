"""Who is let in, and how; and that everybody can work there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Request, expect

from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.snapshot.storage.store import SnapshotStore
from tests.e2e.page.admin.desk import HELD_BACK, TOKEN, begin, dead_letter, enter
from tests.support.browser.pages import DESK, PHONE, SCHEMES, Scheme, violations, watched_page
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder
from tests.support.waiting import async_wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_nothing_is_asked_for_before_there_is_a_token(page: Page) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    await page.goto("/admin")
    await expect(page.locator("#token")).to_be_focused()
    await enter(page, "not ascii: ü")
    await expect(page.get_by_text("This is not the admin token")).to_be_visible()
    assert [request.url for request in asked if "/admin/" in request.url] == []


async def test_the_token_is_forgotten_when_told_to_and_when_the_page_is_left(desk: Page) -> None:
    await desk.get_by_role("button", name="Forget the token").click()
    await expect(desk.locator("#token")).to_have_value("")
    await enter(desk, TOKEN)
    await expect(desk.locator(".source")).to_have_count(2)
    await desk.reload()
    await expect(desk.locator("#token")).to_be_visible()


async def test_an_admin_api_that_is_off_says_how_to_switch_it_on(
    browser: Browser, tmp_path: Path
) -> None:
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), HashEncoder())
    builder.publish()
    settings = query_settings(tmp_path)
    async with running_query(settings, always(builder.encoder)) as off:
        origin = f"http://{off.host}:{off.port}"
        async with watched_page(browser, origin) as page:
            await page.goto("/admin")
            await enter(page, TOKEN)
            await expect(page.locator("#gate-said")).to_contain_text("MOVIE_SEARCH_ADMIN_TOKEN")
            await expect(page.locator(".source")).to_have_count(0)


async def test_the_keyboard_is_enough(page: Page, redis: Client) -> None:
    await page.goto("/admin")
    await expect(page.locator("#token")).to_be_focused()
    await page.keyboard.type(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.locator(".source")).to_have_count(2)
    for _ in range(6):
        await page.keyboard.press("Tab")
        name = await page.evaluate("document.activeElement.textContent.trim()")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", name
        if re.fullmatch("Re-ingest demo", name):
            break
    await page.keyboard.press("Enter")

    async def queued() -> bool:
        return len(await registry.active_runs(redis)) == 1

    await async_wait_until(queued)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing_when_there_is_much_to_say(
    browser: Browser, origin: str, redis: Client, scheme: Scheme, width: int
) -> None:
    run = await begin(redis, "other")
    await registry.advance(redis, run, "incomplete", error=HELD_BACK)
    run = await begin(redis)
    await registry.set_fields(redis, run.run_id, pages=12, crawled=40, stored=10, duplicate=20)
    await dead_letter(redis, 1, reason=f"{'x' * 300} is not a review")
    opened = watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True)
    async with opened as page:
        await page.goto("/admin")
        await enter(page, TOKEN)
        await expect(page.locator("progress")).to_be_visible()
        await page.locator(".letter summary").click()
        await expect(page.locator(".payload")).to_be_visible()
        for summary in await page.locator("[aria-labelledby=runs] summary").all():
            await summary.click()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await violations(page) == []
