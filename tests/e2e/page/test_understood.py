"""What the page understood, how that is changed, and what it says when nothing fits."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.page.movies import CAST
from tests.support.browser.pages import at
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TYPED = "/?q=cold+robots%2C+90s+french+science+fiction+movies%2C+not+scary"


def chips(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name=name).get_by_role("listitem")


async def test_every_part_is_a_chip_that_can_be_taken_off(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(CAST)
    await page.goto(TYPED)
    understood = chips(page, "Understood")
    await expect(understood).to_have_text(
        ["“cold robots”×", "avoid scary×", "Sci-Fi×", "from France×", "1990s×"]
    )
    await expect(chips(page, "Active filters")).to_have_count(0)
    await expect(page.locator(".hit .title")).to_have_text(["Tin Choir"])

    await page.get_by_role("link", name="Remove filter: Sci-Fi").press("Enter")
    await at(page, "&country=France&year_from=1990&year_to=1999&interpret=no")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies for “cold robots”")
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await expect(page.get_by_role("combobox")).to_have_value("cold robots")
    own = chips(page, "Active filters")
    await expect(own).to_have_text(["avoid scary×", "from France×", "1990s×"])
    await expect(understood).to_have_count(0)
    await expect(page.locator(".hit")).to_have_count(2)

    await page.reload()
    await expect(own).to_have_text(["avoid scary×", "from France×", "1990s×"])
    await page.get_by_role("link", name="Remove filter: 1990s").click()
    await expect(own).to_have_text(["avoid scary×", "from France×"])
    await page.go_back()
    await expect(own).to_have_text(["avoid scary×", "from France×", "1990s×"])
    await page.go_back()
    await expect(understood).to_have_count(5)
    await expect(page.get_by_role("combobox")).to_have_value(
        "cold robots, 90s french science fiction movies, not scary"
    )

    # Another query is understood again, and what was taken off does not come back.
    await page.go_forward()
    await expect(own).to_have_count(3)
    await page.get_by_role("combobox").fill("horror movies")
    await page.keyboard.press("Enter")
    await expect(understood).to_have_text(["Horror×"])
    await expect(own).to_have_count(3)


async def test_a_chip_leads_to_where_it_is_changed(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(CAST)
    await page.goto(TYPED)
    await page.get_by_role("button", name="Change: 1990s").click()
    year_from = page.get_by_label("Year from")
    await expect(year_from).to_be_focused()
    await expect(year_from).to_have_value("1990")
    await page.get_by_label("Year to").fill("1995")
    await page.get_by_label("Year to").press("Tab")
    own = chips(page, "Active filters")
    await expect(own).to_have_text(["avoid scary×", "Sci-Fi×", "from France×", "1990–1995×"])
    await at(page, "&year_from=1990&year_to=1995&interpret=no")
    await page.get_by_role("button", name="Change: Sci-Fi").press("Enter")
    await expect(page.get_by_role("checkbox", name="Sci-Fi").first).to_be_focused()
    await page.get_by_role("button", name="Change: avoid scary").press("Enter")
    await expect(page.get_by_label("Avoid", exact=True)).to_be_focused()

    # A condition without a control becomes words of the query again.
    await page.get_by_role("button", name="Change: from France").press("Enter")
    box = page.get_by_role("combobox")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("cold robots from France")
    selected = "q => q.value.slice(q.selectionStart, q.selectionEnd)"
    assert await box.evaluate(selected) == "from France"
    await expect(own).to_have_text(["avoid scary×", "Sci-Fi×", "1990–1995×"])
    await expect(chips(page, "Understood")).to_have_text(["“cold robots”×", "from France×"])


async def test_another_filter_leaves_the_query_as_it_was_typed(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(CAST)
    await page.goto("/?q=90s+robots")
    await expect(chips(page, "Understood")).to_have_text(["“robots”×", "1990s×"])
    await page.locator(".refine > summary").click()
    await page.get_by_label("At most").fill("100")
    await page.get_by_label("At most").press("Enter")
    await at(page, "/?q=90s+robots&runtime_to=100")
    await expect(chips(page, "Active filters")).to_have_text(["at most 100 minutes×"])
    await expect(chips(page, "Understood")).to_have_text(["“robots”×", "1990s×"])


async def test_a_title_can_be_taken_for_a_description(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(CAST)
    await page.goto("/?q=tin+choir")
    await expect(chips(page, "Understood")).to_have_text(["the movie Tin Choir×"])
    await page.get_by_role("link", name="Remove filter: the movie Tin Choir").click()
    await at(page, "/?q=tin+choir&interpret=no&titles=no")
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await expect(chips(page, "Understood")).to_have_count(0)


async def test_a_correction_is_said_and_can_be_refused(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(CAST)
    await page.goto("/?q=movies+with+vargsn+and+robots")
    note = page.get_by_text("Showing results for vargson.")
    await expect(note).to_be_visible()
    await note.get_by_role("link", name="vargsn").click()
    await at(page, "/?q=movies+with+vargsn+and+robots&interpret=no")
    await expect(page.locator(".hit").first).to_be_visible()
    await expect(note).to_have_count(0)


async def test_conditions_that_no_movie_meets_are_left_out(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(CAST)
    await page.goto("/?q=90s+comedies")
    left_out = page.get_by_text("No movie meets every condition, so the genre was left out.")
    await expect(left_out).to_be_visible()
    await expect(chips(page, "Understood")).to_have_text(["1990s×"])


async def test_nothing_fits_well(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(CAST)
    await page.goto("/?q=zzgrx+qwpfk&genre=Horror")
    panel = page.get_by_role("region", name="Nothing fits well")
    await expect(panel).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("Nothing fits well")
    await expect(page.locator(".hit")).to_have_count(1)  # the nearest one, said to be weak
    await expect(page.get_by_text("The nearest, but weak matches")).to_be_visible()
    await panel.get_by_role("link", name="Search without Horror").click()
    await expect(page.locator(".hit")).to_have_count(3)

    await page.goto("/?q=robots&genre=Western&person=Ida+Vargson")
    none = page.get_by_role("region", name="No movie fits")
    await expect(none.get_by_role("link", name="Search without")).to_have_count(2)
    await none.get_by_role("link", name="Search without Western").press("Enter")
    await expect(page.locator(".hit .title").first).to_have_text("Tin Choir")
    await expect(none).to_have_count(0)


async def test_chips_without_a_control_become_words(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(CAST)
    await page.goto("/?q=robots&like=tt1&votes_from=5&runtime_from=60")
    await page.get_by_role("button", name="Change: like Tin Choir").click()
    box = page.get_by_role("combobox")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("robots, like Tin Choir")
    await expect(chips(page, "Understood")).to_have_text(["“robots”×", "like Tin Choir×"])
    await page.get_by_role("button", name="Change: at least 5 votes").click()
    await expect(page.locator("#votes_from")).to_be_focused()
    await page.get_by_role("button", name="Change: at least 60 minutes").click()
    await expect(page.locator("#runtime_from")).to_be_focused()
    await page.goto("/?q=robots&unlike=tt1")
    await page.get_by_role("button", name="Change: not like Tin Choir").click()
    await at(page, "/?q=robots&like=tt1")
    await page.goto("/?q=tin+choir")
    await page.get_by_role("button", name="Change: the movie Tin Choir").click()
    await expect(box).to_be_focused()
    await expect(box).to_have_value("tin choir")
