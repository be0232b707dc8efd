"""The page of a movie."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.e2e.page.movies import CAST, TITLED
from tests.support.browser.pages import at
from tests.support.query.query_service import RunningQuery
from tests.support.query.snapshots import BOXER, SampleMovie, SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_movie_shows_its_facts_and_its_passages(
    page: Page, query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await query.reload()  # the evidence is requested only once, as it is optional
    await page.goto(f"/movie/{BOXER.movie_id}?q=cold+streets")
    await expect(page.get_by_role("heading", level=1)).to_have_text("The Underdog")
    await expect(page).to_have_title("The Underdog · Semantic Movie Search")
    main = page.locator("main")
    for text in ("1976", "Drama, Sport", "J. Doe", "8.1/10", "A small-time boxer gets one shot"):
        await expect(main).to_contain_text(text)
    source = page.get_by_role("link", name="View on films.example").first
    await expect(source).to_have_attribute("href", "https://films.example/tt0075148")
    await expect(source).to_have_attribute("rel", "noopener noreferrer")
    matches = page.get_by_role("region", name="Matches for “cold streets”")
    await expect(matches.locator("mark").first).to_have_text("cold streets")
    await expect(page.locator(".poster svg").first).to_be_visible()
    back = page.get_by_role("link", name="Results for “cold streets”")
    await expect(back).to_have_attribute("href", "/?q=cold+streets")


async def test_a_passage_opens_its_review_at_the_passage(
    page: Page, query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await query.reload()
    await page.goto(f"/movie/{BOXER.movie_id}?q=cold+streets")
    reviews = page.get_by_role("region", name="Reviews", exact=True)
    await expect(reviews.locator("details")).to_have_count(2)
    await expect(reviews.locator(".text")).to_have_count(0)
    matches = page.get_by_role("region", name="Matches for “cold streets”")
    await matches.get_by_role("button", name="Full review").first.press("Enter")
    opened = reviews.locator("details[open]")
    await expect(opened).to_have_count(1)
    await expect(opened.locator("summary")).to_be_focused()
    await expect(opened.locator("summary")).to_contain_text("A. Viewer")
    await expect(opened.locator("mark")).to_contain_text("cold streets")
    await expect(opened.locator("mark")).to_be_in_viewport()
    await opened.locator("summary").press("Enter")
    await expect(opened).to_have_count(0)


async def test_similar_movies_link_to_each_other(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/movie/tt1")
    similar = page.get_by_role("region", name="Similar movies")
    await expect(similar.locator("li")).to_have_count(2)
    await expect(similar.locator("figcaption").first).to_contain_text("About ")
    await similar.get_by_role("link", name="Nobody").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nobody")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Amélie")
    await page.get_by_role("link", name="More like this").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies like Amélie")
    await expect(page.locator(".hit")).to_have_count(2)


async def test_the_former_address_redirects(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/film/tt1?q=rain")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Amélie")
    await at(page, "/movie/tt1?q=rain")


async def test_a_movie_that_does_not_exist(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/movie/none")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Movie not found")
    await expect(page).to_have_title("Movie not found · Semantic Movie Search")
    await page.get_by_role("link", name="Search for another movie").click()
    await expect(page.get_by_role("list", name="Examples")).to_be_visible()


async def test_a_movie_appears_when_the_first_snapshot_is_served(
    page: Page, builder: SnapshotBuilder
) -> None:
    await page.goto("/movie/nm:1")
    await expect(page.get_by_role("status")).to_contain_text("Nothing can be searched yet")
    builder.publish()
    await expect(page.get_by_role("heading", level=1)).to_have_text("nm:1")  # it has no title
    await expect(page.get_by_role("status")).to_be_empty()


async def test_reviews_are_shown_page_by_page(page: Page, builder: SnapshotBuilder) -> None:
    texts = tuple(f"Review number {n} of it.\n\nA second paragraph." for n in range(45))
    builder.publish([SampleMovie("tt1", texts, title="Talked about")])
    await page.goto("/movie/tt1")
    reviews = page.get_by_role("region", name="Reviews", exact=True).locator("details")
    await expect(reviews).to_have_count(20)
    await page.get_by_role("button", name="More reviews").click()
    await page.get_by_role("button", name="More reviews").click()
    await expect(reviews).to_have_count(45)
    await reviews.last.locator("summary").click()
    await expect(reviews.last.locator(".text p").first).to_be_visible()
    await expect(page.get_by_role("button", name="More reviews")).to_have_count(0)


async def test_facts_lead_to_searches(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(CAST)
    await page.goto("/movie/tt2")
    await page.get_by_role("link", name="Ida Vargson").click()
    await at(page, "/?person=Ida+Vargson")
    await expect(page.locator(".hit")).to_have_count(2)
    await page.go_back()
    await expect(page.locator("dl")).to_contain_text("2 h 1 min")
    similar = page.get_by_role("region", name="Similar movies")
    await expect(similar).to_contain_text("Both by Milo Trent")


async def test_reviews_are_filtered_by_rating(page: Page, builder: SnapshotBuilder) -> None:
    movie = SampleMovie(
        "tt1",
        ("It soars.", "It drags.", "It is so so.", "It sinks."),
        ratings=(9.0, 3.0, 5.5, 2.0),
        spoilers=frozenset((4,)),
        title="Ups and Downs",
    )
    builder.publish([movie])
    await page.goto("/movie/tt1")
    reviews = page.get_by_role("region", name="Reviews", exact=True)
    shown = reviews.locator("details")
    await expect(shown).to_have_count(4)
    await reviews.get_by_label("7 or higher").check(force=True)
    await expect(shown).to_have_count(1)
    await expect(shown).to_contain_text("9/10")
    await reviews.get_by_label("Below 4").check(force=True)
    await expect(shown).to_have_count(2)
    await expect(reviews).to_contain_text("Contains spoilers")
    await expect(reviews).not_to_contain_text("It sinks.")
    await reviews.get_by_label("4 to 6.9").check(force=True)
    await expect(shown).to_have_count(1)
    await expect(shown).to_contain_text("5.5/10")
    await reviews.get_by_label("All").check(force=True)
    await expect(shown).to_have_count(4)


async def test_a_movie_is_shared_and_names_its_sources(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"/movie/{BOXER.movie_id}?q=cold+streets")
    await page.get_by_role("button", name="Share").click()
    await expect(page.get_by_text("Link copied")).to_be_visible()
    copied: str = await page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(f"/movie/{BOXER.movie_id}")
    sources = page.get_by_role("region", name="Where this comes from")
    await expect(sources.get_by_role("listitem")).to_have_text(
        ["Facts and reviews from films.example."]
    )
    await page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"
    )
    await page.get_by_role("button", name="Share").click()
    await expect(page.get_by_label("Link to this movie")).to_have_value(copied)
