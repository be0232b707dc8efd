"""The map in a real browser: points, highlights, keys, the list, and axe."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser.pages import DESK, PHONE, SCHEMES, Scheme, at, violations, watched_page
from tests.support.query.snapshots import MOVIES, SampleMovie, SnapshotBuilder
from tests.support.waiting import async_wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
WORDS = ("rain", "songs", "robots")
MANY = [
    SampleMovie(
        f"tt{number:02}",
        tuple(f"Only {WORDS[number % 3]}, {WORDS[number % 3]} and {other}." for other in "abc"),
        title=f"{WORDS[number % 3].title()} {number}",
        year=1970 + number,
    )
    for number in range(30)
]


async def painted(page: Page) -> int:
    """How many pixels of the points' canvas differ from its first pixel."""
    count: int = await page.evaluate(
        """() => {
          const canvas = document.querySelector("canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const words = new Uint32Array(data.buffer);
          return words.reduce((sum, word) => sum + (word !== words[0]), 0);
        }"""
    )
    return count


async def is_painted(page: Page) -> bool:
    return await painted(page) > 500


async def test_a_click_on_a_point_opens_its_movie(
    browser: Browser, origin: str, builder: SnapshotBuilder
) -> None:
    builder.publish(MANY)
    async with watched_page(browser, origin, width=DESK) as page:
        await page.goto("/")
        await page.get_by_role("link", name="Map").click()
        atlas = page.get_by_role("application", name="Movie map")
        await expect(atlas).to_be_visible()
        await expect(page).to_have_title(re.compile("map", re.IGNORECASE))
        await page.wait_for_function("document.querySelector('canvas').width > 300")
        await async_wait_until(lambda: is_painted(page))
        box = await atlas.bounding_box()
        assert box is not None
        card = page.locator(".card")
        for step in range(1, 400):
            x, y = box["width"] * (step % 20) / 20, box["height"] * (step // 20) / 20
            await page.mouse.move(box["x"] + x, box["y"] + y)
            await page.evaluate(TWO_FRAMES)  # the point under the mouse is computed once per frame
            if await card.count():
                break
        title = await card.get_by_role("link").inner_text()
        await page.mouse.down()
        await page.mouse.up()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        await page.go_back()
        await expect(atlas).to_be_visible()


async def test_a_search_highlights_its_results_and_is_in_the_address(
    browser: Browser, origin: str, builder: SnapshotBuilder
) -> None:
    builder.publish(MANY)
    async with watched_page(browser, origin, width=DESK) as page:
        await page.goto("/explore")
        await page.get_by_label("Highlight movies").fill("robots")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("are highlighted")).to_be_visible()
        await at(page, "/explore?q=robots")
        results = page.locator("ol.movies a")
        await expect(results.first).to_contain_text("Robots")
        await page.get_by_role("link", name="Show as list").click()
        await expect(page.locator(".hit").first).to_contain_text("Robots")
        await page.go_back()
        await page.get_by_role("link", name="Clear").click()
        await expect(results).to_have_count(0)


async def test_the_keyboard_is_sufficient(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(MANY)
    await page.goto("/explore")
    atlas = page.get_by_role("application")
    await expect(atlas).to_be_visible()
    await page.get_by_role("button", name="Highlight").focus()
    await page.keyboard.press("Tab")
    await expect(atlas).to_be_focused()
    announced = page.locator(".canvas [role=status]")
    before = await announced.inner_text()
    for key in ("+", *["ArrowLeft"] * 6, "-"):
        await page.keyboard.press(key)
    await expect(announced).not_to_have_text(before)
    await expect(announced).to_have_text(re.compile(r"\w+ \d+ \(\d{4}\)"))
    name = (await announced.inner_text()).partition(" (")[0]
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(name)


async def test_the_list_has_all_movies_of_each_cluster(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(MANY)
    await page.goto("/explore")
    clusters = page.locator(".cluster > button")
    await expect(clusters.first).to_be_visible()
    listed: list[str] = []
    for number in range(await clusters.count()):
        await clusters.nth(number).click()
        await expect(clusters.nth(number)).to_have_attribute("aria-expanded", "true")
        listed += await page.locator(".cluster .movies a").all_inner_texts()
    assert sorted(listed) == sorted(f"{movie.title} ({movie.year})" for movie in MANY)


async def test_a_snapshot_without_a_map_says_so(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(MOVIES, mapped=False)
    await page.goto("/explore")
    await expect(page.get_by_text("has no map")).to_be_visible()


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing(
    browser: Browser, origin: str, builder: SnapshotBuilder, scheme: Scheme, width: int
) -> None:
    builder.publish(MANY)
    async with watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True) as page:
        await page.goto("/explore?q=rain&avoid=songs")
        await expect(page.get_by_text("are highlighted")).to_be_visible()
        await page.locator(".cluster > button").first.click()
        assert await violations(page) == []
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
