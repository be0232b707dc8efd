"""What the page costs to load, how it is cached, and the completeness of the API page."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Response, expect

from tests.support.query.query_service import RunningQuery
from tests.support.query.snapshots import SnapshotBuilder

MOST_SCRIPT_BYTES = 90_000

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_the_script_is_within_its_budget(page: Page, builder: SnapshotBuilder) -> None:
    """All scripts that `/` loads, as transferred."""
    builder.publish()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright marks it
    await page.goto("/")
    await expect(page.locator(".shelf .poster")).to_have_count(4)
    await page.wait_for_load_state("networkidle")
    scripts = [answer for answer in answers if answer.url.endswith(".js")]
    assert scripts
    sizes = {
        re.sub(r".*/", "", answer.url): (await answer.request.sizes())["responseBodySize"]
        for answer in scripts
    }
    assert all(answer.headers["content-encoding"] == "gzip" for answer in scripts)
    assert 10_000 < sum(sizes.values()) <= MOST_SCRIPT_BYTES, sizes


async def test_a_second_visit_loads_assets_from_the_cache(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await page.goto("/?q=boxer")
    await expect(page.locator(".hit")).to_have_count(4)
    # Fonts are loaded after the text that needs them.
    await page.wait_for_load_state("networkidle")
    asked: dict[str, Response] = {}
    page.on("response", lambda answer: asked.update({answer.url: answer}))
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(4)
    await page.wait_for_load_state("networkidle")
    sent: dict[str, int] = await page.evaluate(
        """() => Object.fromEntries(performance.getEntriesByType("resource")
          .filter(({ name }) => name.includes("/assets/"))
          .map(({ name, transferSize }) => [name, transferSize]))"""
    )
    assert len(sent) >= 3  # script, style, fonts
    assert set(sent.values()) == {0}
    for url in sent:
        assert asked[url].headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_api_page_shows_every_operation(page: Page, query: RunningQuery) -> None:
    await page.goto("/docs")
    document = query.app.openapi()
    count = sum(len(methods) for methods in document["paths"].values())
    await expect(page.locator("details")).to_have_count(count)
    await expect(page.locator("tbody tr[id=not-ready]")).to_be_visible()
