"""``/docs``: every operation can be tried, in a real browser, under the content security policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from services.query.access.key_file import add_key
from tests.support.browser.pages import watched_page
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TOKEN = "correct-horse-battery-staple-0123456789"


@pytest_asyncio.fixture(loop_scope="module")
async def query(tmp_path: Path, builder: SnapshotBuilder) -> AsyncIterator[RunningQuery]:
    """A service that needs a search key, and has an admin token."""
    builder.publish()
    add_key(tmp_path / "keys.json", "first")
    settings = query_settings(
        tmp_path,
        reload_interval_s=0.05,
        admin_token=TOKEN,
        search_keys_file=tmp_path / "keys.json",
        search_rate="0",
    )
    async with running_query(settings, always(builder.encoder)) as running:
        await running.reload()
        yield running


async def send(page: Page, operation: str) -> None:
    await page.locator(f"#{operation}").evaluate("element => { element.open = true }")
    await page.locator(f"#{operation} button").click()


async def test_operations_are_tried_with_a_key(
    browser: Browser, origin: str, query: RunningQuery, tmp_path: Path
) -> None:
    key = add_key(tmp_path / "keys.json", "page")
    async with watched_page(browser, origin) as page:
        await page.goto("/docs")
        search = page.locator("#search")
        await send(page, "search")
        await expect(search.get_by_role("status")).to_contain_text("401")
        await expect(search.locator("form pre")).to_contain_text("key-required")

        async def is_accepted() -> None:
            await send(page, "search")
            await expect(search.get_by_role("status")).not_to_contain_text("Waiting")
            await expect(search.get_by_role("status")).to_contain_text("200", timeout=3000)

        await page.locator("#key").fill(key)
        await expect(search.get_by_role("button", name="Send")).to_be_enabled()
        for _ in range(5):  # the service reads its keys again each second
            try:
                await is_accepted()
                break
            except AssertionError:
                continue
        await expect(search.locator("form pre")).to_contain_text('"snapshot_id"')
        await page.locator("#getMovie-movie_id").evaluate("input => { input.value = 'nm:1' }")
        await send(page, "getMovie")
        await expect(page.locator("#getMovie form pre")).to_contain_text('"nm:1"')
        await page.locator("#listMovies-limit").evaluate("input => { input.value = '1' }")
        await send(page, "listMovies")
        await expect(page.locator("#listMovies form pre")).to_contain_text('"next_cursor"')


async def test_admin_operations_are_tried_with_the_token(browser: Browser, origin: str) -> None:
    async with watched_page(browser, origin) as page:
        await page.goto("/docs")
        await expect(page.locator("#listSnapshots")).to_be_attached()
        await send(page, "listSnapshots")
        await expect(page.locator("#listSnapshots").get_by_role("status")).to_contain_text("401")
        await page.locator("#key").fill(TOKEN)
        await send(page, "listSnapshots")
        await expect(page.locator("#listSnapshots form pre")).to_contain_text('"snapshots"')
        assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
