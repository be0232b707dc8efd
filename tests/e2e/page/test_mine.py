"""What the user marks: kept in the browser, hidden from searches, carried in and out as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from tests.e2e.page.movies import TITLED
from tests.support.browser.pages import (
    DESK,
    PHONE,
    SCHEMES,
    Scheme,
    at,
    violations,
    watched_page,
)
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2026-01-02,Amelie,2001,https://list.example/1,5
2026-01-03,The Amen Corner,1984,https://list.example/2,4.5
2026-01-04,"Rain, and No Movie",1999,https://list.example/3,2
"""
REFUSED = """Object.defineProperty(window, "indexedDB", {
  value: { open() { throw new DOMException("denied", "SecurityError"); } },
})"""


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def file(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


async def import_file(page: Page, name: str, text: str) -> Locator:
    await page.get_by_label("Import files").set_input_files(file(name, text))
    report = page.get_by_role("list", name="Imported files")
    await expect(report).to_contain_text(name)
    return report


async def test_what_was_seen_is_hidden_when_asked(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(3)
    hide = page.get_by_label("Hide what I have seen")
    await expect(hide).to_have_count(0)
    await button(page, "Seen: Amélie").click()
    await button(page, "Not for me: Nobody").click()
    await expect(button(page, "Seen: Amélie")).to_have_attribute("aria-pressed", "true")
    await hide.check()
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    await expect(page.get_by_role("status").first).to_contain_text("without what you have seen")

    await page.reload()
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    await button(page, "Seen: The Amen Corner").click()
    await expect(button(page, "Seen: The Amen Corner")).to_have_attribute("aria-pressed", "true")
    await page.reload()
    await expect(page.get_by_role("status").first).to_have_text(
        "No movie that you have not seen matches."
    )
    await hide.uncheck()
    await expect(page.locator(".hit")).to_have_count(3)
    await button(page, "Seen: Amélie").click()
    await expect(button(page, "Seen: Amélie")).to_have_attribute("aria-pressed", "false")


async def test_marks_are_listed_and_lead_to_more(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    await page.goto("/mine")
    await expect(page.get_by_role("heading", name="Nothing marked yet")).to_be_visible()
    await page.goto("/movie/tt1")
    await button(page, "Save: Amélie").click()
    await page.get_by_label("My rating").select_option("9")
    await expect(button(page, "Seen: Amélie")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("link", name="My movies").click()
    await at(page, "/mine")
    lists = page.get_by_role("navigation", name="Lists").get_by_role("link")
    await expect(lists).to_have_text(["Saved 1", "Seen 1", "Rated 1", "Not for me 0"])
    await expect(page.locator(".movies h3")).to_have_text(["Amélie 2001"])
    await page.get_by_role("link", name="Not for me").click()
    await expect(page.get_by_text("No movie is in this list.")).to_be_visible()

    await button(page, "Like what I loved").click()
    await at(page, "/?like=tt1")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Movies like Amélie")


async def test_lists_of_other_services_are_imported(
    page: Page, builder: SnapshotBuilder, tmp_path: Path
) -> None:
    builder.publish(TITLED)
    await page.goto("/mine")
    report = await import_file(page, "ratings.csv", LETTERBOXD)
    await expect(report).to_contain_text("Letterboxd ratings: 2 of 3 movies matched.")
    await expect(report.get_by_role("link")).to_have_text(["Rain, and No Movie"])
    lists = page.get_by_role("navigation", name="Lists").get_by_role("link")
    await expect(lists).to_have_text(["Saved 0", "Seen 2", "Rated 2", "Not for me 0"])

    imdb = "Const,Your Rating,Title,Title Type,Year\ntt3,3,Another Title,Movie,1900\n"
    report = await import_file(page, "imdb.csv", imdb)
    await expect(report).to_contain_text("IMDb ratings: 1 of 1 movie matched.")
    await page.get_by_role("link", name="Rated").click()
    await expect(page.locator(".movies h3")).to_have_text(
        ["Amélie 2001", "The Amen Corner 1984", "Nobody 1999"]
    )

    async with page.expect_download() as started:
        await button(page, "Export as JSON").click()
    saved = tmp_path / "my-movies.json"
    await (await started.value).save_as(saved)
    exported = json.loads(saved.read_text())
    assert exported["version"] == 1
    assert {(m["movie_id"], m["rating"]) for m in exported["movies"]} == {
        ("tt1", 10), ("tt2", 9), ("tt3", 3),
    }  # fmt: skip

    # A bad file changes nothing.
    report = await import_file(page, "cut.json", saved.read_text()[:-20])
    await expect(report).to_contain_text("not valid JSON; it may be cut off")
    report = await import_file(page, "other.csv", "a,b\n1,2")
    await expect(report).to_contain_text("no export of Letterboxd, IMDb or Trakt")
    await expect(lists.nth(2)).to_have_text("Rated 3")

    await button(page, "Remove all marks…").click()
    await button(page, "Remove all").click()
    await expect(page.get_by_role("heading", name="Nothing marked yet")).to_be_visible()
    await import_file(page, "my-movies.json", saved.read_text())
    await expect(lists.nth(2)).to_have_text("Rated 3")
    await page.reload()
    await expect(lists.nth(2)).to_have_text("Rated 3")


async def test_two_tabs_stay_in_step(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto("/?q=rain")
        await expect(tab.locator(".hit")).to_have_count(3)
    await button(page, "Seen: Nobody").click()
    await expect(button(other, "Seen: Nobody")).to_have_attribute("aria-pressed", "true")
    await button(other, "Save: Nobody").click()
    await expect(button(page, "Save: Nobody")).to_have_attribute("aria-pressed", "true")
    await expect(button(page, "Seen: Nobody")).to_have_attribute("aria-pressed", "true")


async def test_a_browser_that_keeps_nothing_is_said(page: Page, builder: SnapshotBuilder) -> None:
    await page.add_init_script(REFUSED)
    builder.publish(TITLED)
    await page.goto("/?q=rain")
    await button(page, "Seen: Amélie").click()
    await page.get_by_label("Hide what I have seen").check()
    await expect(page.locator(".hit")).to_have_count(2)
    await page.get_by_role("link", name="My movies").click()
    await expect(page.get_by_role("alert")).to_contain_text("does not let the page keep anything")
    await expect(page.locator(".movies h3")).to_have_text(["Amélie 2001"])


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing(
    browser: Browser, origin: str, builder: SnapshotBuilder, scheme: Scheme, width: int
) -> None:
    builder.publish(TITLED)
    results: dict[str, list[str]] = {}
    async with watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True) as page:
        await page.goto("/mine")
        await expect(page.get_by_role("heading", name="Nothing marked yet")).to_be_visible()
        results["empty"] = await violations(page)
        await import_file(page, "ratings.csv", LETTERBOXD)
        await import_file(page, "bad.json", "{")
        await import_file(page, "ratings.csv", LETTERBOXD)
        await expect(page.locator(".movies li")).to_have_count(2)
        results["imported"] = await violations(page)
        await button(page, "Remove all marks…").click()
        results["asking"] = await violations(page)
        await button(page, "Cancel").click()
        await page.goto("/mine?list=saved")
        await expect(page.get_by_text("No movie is in this list.")).to_be_visible()
        results["empty list"] = await violations(page)
        await page.goto("/?q=rain")
        await page.get_by_label("Hide what I have seen").check()
        await expect(page.locator(".hit")).to_have_count(1)
        results["hiding"] = await violations(page)
        await page.goto("/movie/tt1")
        await expect(page.get_by_label("My rating")).to_have_value("10")
        results["movie"] = await violations(page)
        widths: list[int] = await page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert widths[0] == widths[1]
    assert {view: issues for view, issues in results.items() if issues} == {}
