"""What the page shows when something fails, and how it recovers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.page.movies import TITLED, numbered
from tests.support.query.query_service import RunningQuery
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_search_before_the_first_snapshot_is_retried(
    page: Page, builder: SnapshotBuilder
) -> None:
    await page.goto("/?q=boxer")
    await expect(page.get_by_role("status")).to_contain_text("Nothing can be searched yet")
    builder.publish()
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(page.get_by_role("status")).to_contain_text("best matches first")
    await expect(page.locator("#served")).to_contain_text("4 movies")


async def test_the_home_page_waits_for_the_first_snapshot(
    page: Page, builder: SnapshotBuilder
) -> None:
    await page.goto("/")
    await expect(page.get_by_role("status")).to_contain_text("Nothing can be searched yet")
    builder.publish()
    await expect(page.locator("#served")).to_contain_text("4 movies")
    await expect(page.get_by_role("status")).to_be_empty()
    await expect(page.locator(".shelf .poster")).to_have_count(4)


async def test_an_index_without_other_movies_says_so(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED[:1])
    await page.goto("/?like=tt1")
    await expect(page.get_by_role("status")).to_have_text("The index has no other movies yet.")


async def test_an_invalid_query_says_why(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/?q=%E2%80%8B")
    await expect(page.get_by_role("status")).to_contain_text("This search is not valid")
    await page.goto("/?like=none")
    await expect(page.get_by_role("status")).to_contain_text("not in the index")


async def test_a_busy_service_is_retried(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    problem = '{"title": "Too many searches are waiting", "status": 503, "code": "overloaded"}'
    is_available = False

    async def be_busy(route: Route) -> None:
        if is_available:
            await route.continue_()
        else:
            await route.fulfill(status=503, content_type="application/problem+json", body=problem)

    await page.route("**/search", be_busy)
    await page.goto("/?q=boxer")
    await expect(page.get_by_role("status")).to_contain_text("The server is busy")
    is_available = True
    await expect(page.locator(".hit")).to_have_count(4)


async def test_an_offline_search_continues_when_the_network_is_back(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await page.goto("/")
    await expect(page.locator(".shelf .poster")).to_have_count(4)
    await page.context.set_offline(True)
    await page.get_by_role("combobox").fill("boxer")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("You are offline")
    await page.context.set_offline(False)
    await expect(page.locator(".hit")).to_have_count(4)


async def test_the_next_page_is_loaded_when_the_service_is_back(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(numbered(15))
    await page.goto("/?q=words")
    await expect(page.locator(".hit")).to_have_count(10)
    is_available = False

    async def be_unreachable(route: Route) -> None:
        if is_available:
            await route.continue_()
        else:
            await route.abort("connectionrefused")

    await page.route("**/search", be_unreachable)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(page.locator(".end .status")).to_contain_text("Cannot reach the server")
    is_available = True
    await expect(page.locator(".hit")).to_have_count(15)
    await expect(page.get_by_role("status")).to_have_text(
        "Showing 15 of 15 movies, best matches first"
    )


async def test_a_new_snapshot_is_noticed(
    page: Page, query: RunningQuery, builder: SnapshotBuilder, tmp_path: Path
) -> None:
    builder.publish()
    await page.goto("/?q=rain")
    await expect(page.locator("#served")).to_contain_text("4 movies")
    builder.publish(TITLED)
    await query.reload()
    await page.get_by_role("combobox").fill("rain and war")
    await page.keyboard.press("Enter")
    await expect(page.locator(".hit")).to_have_count(3)
    await expect(page.locator("#served")).to_contain_text("3 movies")
