"""Searching on the page: the search box, the results, the address, going back."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.page.movies import TITLED, numbered
from tests.support.browser.pages import at
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_search_open_a_movie_and_go_back(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("4 movies, 6 reviews")
    await page.get_by_label("What do you feel like watching?").fill("sweat and stairs")
    await page.keyboard.press("Enter")
    first = page.locator(".hit").first
    await expect(first.locator(".title")).to_have_text("The Underdog")
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(first.locator("blockquote")).to_contain_text("Sweat, stairs")
    await expect(first.locator("mark")).to_have_text(["Sweat, stairs"])
    review = first.get_by_role("link", name="Review", exact=True)
    await expect(review).to_have_attribute("href", "https://films.example/tt0075148#review-2")
    await expect(review).to_have_attribute("rel", "noopener noreferrer")
    await at(page, "/?q=sweat+and+stairs")

    await first.locator(".title").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("The Underdog")
    await page.get_by_role("link", name="All movies like The Underdog").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies like The Underdog")
    await expect(page.locator(".hit")).to_have_count(3)

    await page.go_back()
    await page.go_back()
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(page.locator("#q")).to_have_value("sweat and stairs")
    await page.reload()
    await expect(page.locator(".hit").first.locator(".title")).to_have_text("The Underdog")


async def test_an_example_can_be_clicked(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/")
    examples = page.get_by_role("list", name="Examples")
    await examples.get_by_role("link", name="space, loneliness and silence").click()
    await expect(page.locator("#q")).to_have_value("space, loneliness and silence")
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await page.get_by_role("link", name="Semantic Movie Search").click()
    await expect(page.get_by_role("heading", level=2)).to_contain_text("For example")
    await expect(page.locator("#q")).to_have_value("")


async def test_a_pause_in_typing_searches_without_a_step_in_the_history(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLED)
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("3 movies")
    box = page.get_by_role("combobox")
    await box.press_sequentially("robots")
    await expect(page.get_by_role("heading", name="Movies for “robots”")).to_be_visible()
    await at(page, "/?q=robots")
    await expect(box).to_be_focused()
    await box.press_sequentially(" and rain")
    await expect(page.get_by_role("heading", name="Movies for “robots and rain”")).to_be_visible()
    await expect(page.locator(".hit .title").first).to_have_text("Amélie")
    await expect(box).to_be_focused()
    await page.go_back()
    await expect(page.get_by_role("list", name="Examples")).to_be_visible()
    await expect(box).to_have_value("")
    await at(page, "/")


async def test_an_older_response_never_replaces_a_newer_one(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLED)
    held: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        if "boxers" in (route.request.post_data or ""):
            held.append(route)
        else:
            await route.continue_()

    await page.route("**/search", hold_the_first)
    await page.goto("/?q=boxers")
    await expect(page.get_by_role("status")).to_contain_text("Searching")
    await expect(page.locator(".skeleton").first).to_be_visible()
    await page.get_by_role("combobox").fill("robots")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies for “robots”")
    for route in held:
        await route.continue_()
    await page.wait_for_load_state("networkidle")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies for “robots”")
    await expect(page.locator(".hit .title").first).to_have_text("Amélie")
    assert len(held) == 1


async def test_scrolling_loads_more_and_going_back_restores_them(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(numbered(43))
    await page.goto("/?q=words")
    await expect(page.locator(".hit")).to_have_count(10)
    await expect(page.get_by_role("status")).to_have_text(
        "Showing 10 of 43 movies, best matches first"
    )
    for count in (20, 30, 40, 43):
        await page.mouse.move(180, 400)
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await expect(page.locator(".hit")).to_have_count(count)
    await expect(page.get_by_role("button", name="More movies")).to_have_count(0)
    titles = await page.locator(".hit .title").all_text_contents()
    assert len(set(titles)) == 43

    await page.locator(".hit .title").nth(30).scroll_into_view_if_needed()
    at = await page.evaluate("scrollY")
    assert at > 1000
    await page.locator(".hit .title").nth(30).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(titles[30])
    await page.wait_for_function("scrollY === 0")
    await page.go_back()
    await expect(page.locator(".hit")).to_have_count(43)
    await page.wait_for_function("at => Math.abs(scrollY - at) < 5", arg=at)
    await page.reload()  # only the number of results and the position are remembered
    await expect(page.locator(".hit")).to_have_count(43)
    await page.wait_for_function("at => Math.abs(scrollY - at) < 5", arg=at)


async def test_a_button_loads_more_without_an_intersection_observer(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(numbered(23))
    await page.add_init_script("delete window.IntersectionObserver")
    await page.goto("/?q=words")
    more = page.get_by_role("button", name="More movies")
    await expect(page.locator(".hit")).to_have_count(10)
    await more.press("Enter")
    await expect(page.locator(".hit")).to_have_count(20)
    await expect(page.locator(".hit .title").nth(10)).to_be_focused()
    await more.click()
    await expect(page.locator(".hit")).to_have_count(23)
    await expect(more).to_have_count(0)


async def test_a_result_explains_its_score(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/?q=rain+robots&avoid=war")
    why = page.get_by_role("button", name="Why this: Amélie")
    await expect(why).to_have_attribute("aria-expanded", "false")
    await why.press("Enter")
    await expect(why).to_have_attribute("aria-expanded", "true")
    terms = page.locator(".hit").first.locator("dt")
    await expect(terms).to_have_text(
        [
            "Best passages",
            "All reviews together",
            "Exact words",
            "Penalty for what you avoid",
        ]
    )
    await why.press("Enter")
    await expect(terms).to_have_count(0)


async def test_texts_of_sources_are_not_rendered_as_html(
    page: Page, builder: SnapshotBuilder
) -> None:
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    builder.publish(
        [
            SampleMovie(
                "tt1",
                (f"Nasty {nasty}.",),
                title=nasty,
                genres=(nasty,),
                description=nasty,
                url="javascript:alert(3)",
            )
        ]
    )
    await page.goto("/?q=nasty")
    await expect(page.locator(".hit .title")).to_have_text(nasty)
    assert await page.locator(".hit img, .hit script").count() == 0
    await page.locator(".hit .title").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(nasty)
    assert await page.locator("main img, main script, [href^=javascript]").count() == 0


async def test_an_unknown_address_says_so(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/")
    await page.evaluate("history.pushState({}, '', '/nowhere')")
    await page.evaluate("history.pushState({}, '', '/')")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
