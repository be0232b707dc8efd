"""A film's own page."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.e2e.page.films import TITLES
from tests.support.query.query_service import RunningQuery
from tests.support.query.snapshots import BOXER, Film, SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_film_says_what_it_is_and_what_its_viewers_say(
    page: Page, query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await query.reload()  # what it says to the search is asked for once: it is an extra
    await page.goto(f"/film/{BOXER.movie_id}?q=cold+streets")
    await expect(page.get_by_role("heading", level=1)).to_have_text("The Underdog")
    await expect(page).to_have_title("The Underdog · Semantic Movie Search")
    main = page.locator("main")
    for said in ("1976", "Drama, Sport", "J. Doe", "8.1/10", "A small-time boxer gets one shot"):
        await expect(main).to_contain_text(said)
    source = page.get_by_role("link", name="On films.example").first
    await expect(source).to_have_attribute("href", "https://films.example/tt0075148")
    await expect(source).to_have_attribute("rel", "noopener noreferrer")
    told = page.get_by_role("region", name="For “cold streets”")
    await expect(told.locator("mark").first).to_have_text("cold streets")
    await expect(page.locator("svg.poster").first).to_be_visible()
    back = page.get_by_role("link", name="Films for “cold streets”")
    await expect(back).to_have_attribute("href", "/?q=cold+streets")


async def test_a_passage_opens_its_review_where_it_stands(
    page: Page, query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await query.reload()
    await page.goto(f"/film/{BOXER.movie_id}?q=cold+streets")
    reviews = page.get_by_role("region", name="All reviews")
    await expect(reviews.locator("details")).to_have_count(2)
    await expect(reviews.locator(".text")).to_have_count(0)
    told = page.get_by_role("region", name="For “cold streets”")
    await told.get_by_role("button", name="the whole review").first.press("Enter")
    opened = reviews.locator("details[open]")
    await expect(opened).to_have_count(1)
    await expect(opened.locator("summary")).to_be_focused()
    await expect(opened.locator("summary")).to_contain_text("A. Viewer")
    await expect(opened.locator("mark")).to_contain_text("cold streets")
    await expect(opened.locator("mark")).to_be_in_viewport()
    await opened.locator("summary").press("Enter")
    await expect(opened).to_have_count(0)


async def test_similar_films_lead_on_and_back(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLES)
    await page.goto("/film/tt1")
    similar = page.get_by_role("region", name="Films like it")
    await expect(similar.locator("li")).to_have_count(2)
    await expect(similar.locator("figcaption").first).to_contain_text("on ")
    await similar.get_by_role("link", name="Nobody").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nobody")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Amélie")
    await page.get_by_role("link", name="More like this").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Films like Amélie")
    await expect(page.locator(".hit")).to_have_count(2)


async def test_a_film_that_is_not_there(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/film/none")
    await expect(page.get_by_role("heading", level=1)).to_have_text("That film is not here")
    await expect(page).to_have_title("No such film · Semantic Movie Search")
    await page.get_by_role("link", name="Search for another one").click()
    await expect(page.get_by_role("list", name="Examples")).to_be_visible()


async def test_a_film_before_the_first_snapshot_appears_by_itself(
    page: Page, builder: SnapshotBuilder
) -> None:
    await page.goto("/film/nm:1")
    await expect(page.get_by_role("status")).to_contain_text("being built")
    builder.publish()
    await expect(page.get_by_role("heading", level=1)).to_have_text("nm:1")  # it has no title
    await expect(page.get_by_role("status")).to_be_empty()


async def test_many_reviews_are_shown_little_by_little(
    page: Page, builder: SnapshotBuilder
) -> None:
    texts = tuple(f"Review number {n} of it.\n\nA second paragraph." for n in range(45))
    builder.publish([Film("tt1", texts, title="Talked about")])
    await page.goto("/film/tt1")
    reviews = page.get_by_role("region", name="All reviews").locator("details")
    await expect(reviews).to_have_count(20)
    await page.get_by_role("button", name="More reviews").click()
    await page.get_by_role("button", name="More reviews").click()
    await expect(reviews).to_have_count(45)
    await reviews.last.locator("summary").click()
    await expect(reviews.last.locator(".text p").first).to_be_visible()
    await expect(page.get_by_role("button", name="More reviews")).to_have_count(0)
