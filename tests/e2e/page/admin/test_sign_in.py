"""Signing in, and the accessibility of the admin page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Request, expect

from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.snapshot.storage.store import SnapshotStore
from tests.e2e.page.admin.dashboard import HELD_BACK, TOKEN, begin, dead_letter, sign_in
from tests.support.browser.pages import DESK, PHONE, SCHEMES, Scheme, violations, watched_page
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder
from tests.support.waiting import async_wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_no_admin_request_is_sent_before_signing_in(page: Page) -> None:
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108
    await page.goto("/admin")
    await expect(page.locator("#token")).to_be_focused()
    await sign_in(page, "not ascii: ü")
    await expect(page.get_by_text("Wrong admin token")).to_be_visible()
    assert [request.url for request in requests if "/admin/" in request.url] == []


async def test_signing_out_or_reloading_discards_the_token(dashboard: Page) -> None:
    await dashboard.get_by_role("button", name="Sign out").click()
    await expect(dashboard.locator("#token")).to_have_value("")
    await sign_in(dashboard, TOKEN)
    await expect(dashboard.locator(".source")).to_have_count(2)
    await dashboard.reload()
    await expect(dashboard.locator("#token")).to_be_visible()


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
            await sign_in(page, TOKEN)
            await expect(page.locator("#sign-in-message")).to_contain_text(
                "MOVIE_SEARCH_ADMIN_TOKEN"
            )
            await expect(page.locator(".source")).to_have_count(0)


async def test_the_keyboard_is_sufficient(page: Page, redis: Client) -> None:
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
        if re.fullmatch("Crawl now demo", name):
            break
    await page.keyboard.press("Enter")

    async def queued() -> bool:
        return len(await registry.active_runs(redis)) == 1

    await async_wait_until(queued)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing_on_full_panels(
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
        await sign_in(page, TOKEN)
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
