"""What the page says when all is not well, and how it comes back by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.page.films import TITLES, many
from tests.support.query.query_service import RunningQuery
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_search_before_the_first_snapshot_answers_itself(
    page: Page, builder: SnapshotBuilder
) -> None:
    await page.goto("/?q=boxer")
    await expect(page.get_by_role("status")).to_contain_text("being built")
    builder.publish()
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(page.get_by_role("status")).to_contain_text("best first")
    await expect(page.locator("#served")).to_contain_text("4 films")


async def test_the_home_page_says_when_it_can_be_used(page: Page, builder: SnapshotBuilder) -> None:
    await page.goto("/")
    await expect(page.get_by_role("status")).to_contain_text("being built")
    builder.publish()
    await expect(page.locator("#served")).to_contain_text("4 films")
    await expect(page.get_by_role("status")).to_be_empty()
    await expect(page.locator(".shelf .poster")).to_have_count(4)


async def test_an_index_without_films_says_so(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLES[:1])
    await page.goto("/?like=tt1")
    await expect(page.get_by_role("status")).to_have_text(
        "There are no other films in the index yet."
    )


async def test_a_query_that_is_refused_says_what_is_wanted(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await page.goto("/?q=%E2%80%8B")
    await expect(page.get_by_role("status")).to_contain_text("Something visible is wanted")
    await page.goto("/?like=none")
    await expect(page.get_by_role("status")).to_contain_text("not in the index")


async def test_too_many_searches_are_waited_for(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    problem = '{"title": "Too many searches are waiting", "status": 503, "code": "overloaded"}'
    is_told = False

    async def refuse_until_told(route: Route) -> None:
        if is_told:
            await route.continue_()
        else:
            await route.fulfill(status=503, content_type="application/problem+json", body=problem)

    await page.route("**/search", refuse_until_told)
    await page.goto("/?q=boxer")
    await expect(page.get_by_role("status")).to_contain_text("Many people are searching")
    is_told = True
    await expect(page.locator(".hit")).to_have_count(4)


async def test_who_is_offline_is_told_and_finds_on_when_back(
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


async def test_the_next_page_comes_when_the_service_is_back(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(many(15))
    await page.goto("/?q=words")
    await expect(page.locator(".hit")).to_have_count(10)
    is_told = False

    async def be_away_until_told(route: Route) -> None:
        if is_told:
            await route.continue_()
        else:
            await route.abort("connectionrefused")

    await page.route("**/search", be_away_until_told)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(page.locator(".end .status")).to_contain_text("cannot be reached")
    is_told = True
    await expect(page.locator(".hit")).to_have_count(15)
    await expect(page.get_by_role("status")).to_have_text("15 of 15 films, best first")


async def test_another_snapshot_is_noticed(
    page: Page, query: RunningQuery, builder: SnapshotBuilder, tmp_path: Path
) -> None:
    builder.publish()
    await page.goto("/?q=rain")
    await expect(page.locator("#served")).to_contain_text("4 films")
    builder.publish(TITLES)
    await query.reload()
    await page.get_by_role("combobox").fill("rain and war")
    await page.keyboard.press("Enter")
    await expect(page.locator(".hit")).to_have_count(3)
    await expect(page.locator("#served")).to_contain_text("3 films")
