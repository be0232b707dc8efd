"""Suggestions, liked and disliked movies, and filters, all of them in the address."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.e2e.page.movies import CAST, TITLED
from tests.support.browser.pages import at
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_title_is_suggested_and_chosen_with_the_keyboard(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLED)
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("3 movies")
    box = page.get_by_role("combobox")
    await box.focus()
    await page.keyboard.type("ame")
    options = page.get_by_role("listbox").get_by_role("option")
    await expect(options).to_have_count(2)
    await expect(box).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Escape")
    await expect(options).to_have_count(0)
    await expect(box).to_have_value("ame")

    await page.keyboard.type("l")
    await expect(options).to_have_text(["Amélie Movie, 2001"])
    await page.keyboard.press("ArrowDown")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    active = await options.first.get_attribute("id")
    assert active is not None
    await expect(box).to_have_attribute("aria-activedescendant", active)
    await page.keyboard.press("Enter")  # a title opens its movie
    await expect(page.get_by_role("heading", level=1)).to_have_text("Amélie")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await at(page, "/movie/tt1")


async def test_a_suggestion_can_be_clicked_or_ignored(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/")
    box = page.get_by_role("combobox")
    await expect(page.locator("#served")).to_contain_text("3 movies")
    await box.press_sequentially("corn")
    option = page.get_by_role("listbox").get_by_role("option")
    await option.filter(has_text="The Amen Corner").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("The Amen Corner")
    await page.go_back()
    await box.fill("")
    await box.press_sequentially("ame")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
    await page.keyboard.press("Enter")  # no suggestion was selected: searches for the text
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies for “ame”")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(0)


async def test_a_person_or_a_genre_is_suggested_and_searched_for(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(CAST)
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("3 movies")
    box = page.get_by_role("combobox")
    options = page.get_by_role("listbox").get_by_role("option")
    await box.press_sequentially("vargsen")  # a slip, and the surname alone
    await expect(options).to_have_text(["Ida Vargson Person, 2 movies"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await at(page, "/?person=Ida+Vargson")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies: with Ida Vargson")
    await expect(page.locator(".hit")).to_have_count(2)
    await expect(box).to_have_value("")
    await expect(box).to_be_focused()
    chips = page.get_by_role("list", name="Active filters").get_by_role("listitem")
    await expect(chips).to_have_text(["with Ida Vargson×"])

    await box.press_sequentially("science fi")  # as it is called elsewhere
    await options.filter(has_text="Genre").click()
    await at(page, "/?genre=Sci-Fi&person=Ida+Vargson")
    await expect(page.locator(".hit .title")).to_have_text(["Tin Choir"])
    await page.reload()
    await expect(page.locator(".hit .title")).to_have_text(["Tin Choir"])
    await page.go_back()
    await expect(page.locator(".hit")).to_have_count(2)
    await page.go_back()
    await expect(page.get_by_role("list", name="Examples")).to_be_visible()


async def test_liked_and_disliked_movies_are_chips_and_in_the_address(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLED)
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(3)
    await page.get_by_role("link", name="More like this: Amélie").click()
    await expect(page.locator(".hit")).to_have_count(2)
    await page.get_by_role("link", name="Not like this: Nobody").press("Enter")
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    await at(page, "/?q=rain&like=tt1&unlike=tt3")

    await page.reload()  # titles are loaded again
    chips = page.get_by_role("list", name="Active filters").get_by_role("listitem")
    await expect(chips).to_have_text(["like Amélie×", "not like Nobody×"])
    await page.get_by_role("combobox").fill("robots")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies for “robots”")
    await at(page, "/?q=robots&like=tt1&unlike=tt3")

    await page.get_by_role("link", name="Remove filter: not like Nobody").press("Enter")
    await expect(page.locator(".hit")).to_have_count(2)
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await page.get_by_role("link", name="Remove filter: like Amélie").click()
    await expect(page.locator(".hit")).to_have_count(3)
    await expect(chips).to_have_count(0)
    await page.go_back()
    await expect(chips).to_have_text(["like Amélie×"])


async def test_filters_are_in_the_address(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(3)
    await page.locator(".refine > summary").press("Enter")
    await page.get_by_label("Avoid", exact=True).fill("war & boxers")
    await page.get_by_role("checkbox", name="Drama").first.check()
    await page.get_by_label("Year from").fill("1980")
    await page.get_by_label("Year to").fill("1990")
    await page.get_by_role("button", name="Show results").click()
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await at(page, "/?q=rain&avoid=war+%26+boxers&genre=Drama&year_from=1980&year_to=1990")
    await page.reload()
    await expect(page.locator(".hit")).to_have_count(1)
    chips = page.get_by_role("list", name="Active filters").get_by_role("listitem")
    await expect(chips).to_have_text(["avoid war & boxers×", "Drama×", "1980–1990×"])
    await page.locator(".refine > summary").click()
    await expect(page.get_by_role("checkbox", name="Drama").first).to_be_checked()
    await expect(page.get_by_label("Avoid", exact=True)).to_have_value("war & boxers")
    await page.get_by_role("link", name="Remove filter: 1980–1990").click()
    await expect(page.locator(".hit")).to_have_count(2)

    await page.goto("/?q=rain&genre=Western")
    await expect(page.get_by_role("status")).to_contain_text("Try removing one")


async def test_filters_apply_at_once_and_are_one_step_in_the_history(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLED)
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(3)
    await page.locator(".refine > summary").click()
    await page.get_by_label("Rating").select_option("7 or higher")
    await expect(page.locator(".hit")).to_have_count(2)
    await page.get_by_text("Exclude genres").click()
    await page.get_by_role("checkbox", name="no Comedy").check()
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    await at(page, "/?q=rain&no_genre=Comedy&rating_from=7")
    chips = page.get_by_role("list", name="Active filters").get_by_role("listitem")
    await expect(chips).to_have_text(["no Comedy×", "rated 7 or higher×"])
    await page.go_back()
    await expect(page.locator(".hit")).to_have_count(3)
    await expect(chips).to_have_count(0)


async def test_similar_movies_show_a_passage_about_each(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLED)
    await page.goto("/?like=tt1")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies like Amélie")
    quotes = page.locator(".hit").first.locator("figure")
    await expect(quotes.last.locator("figcaption")).to_contain_text("About Amélie")
    await expect(quotes.last.locator("blockquote")).to_have_text("Rain and robots.")
    await page.get_by_role("link", name="More like this: Nobody").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies like Amélie, Nobody")
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
