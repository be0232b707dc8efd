"""The page for users and operators, with every process and the browser real."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.record import MovieRecord, ReviewRecord
from tests.support.browser.chromium import chromium
from tests.support.browser.pages import DESK, PHONE, SCHEMES, Scheme, at, violations, watched_page
from tests.support.local_system import LocalSystem

pytestmark = [
    pytest.mark.browser,
    pytest.mark.encoder,
    pytest.mark.asyncio(loop_scope="module"),
]

SHARK = "a shark terrorises a seaside town in summer"
RUN_MS = 150_000  # for a crawl of the demo on a busy machine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture
def origin(system: LocalSystem) -> str:
    return str(system.client.base_url)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, origin: str) -> AsyncIterator[Page]:
    async with watched_page(browser, origin, width=DESK) as opened:
        yield opened


async def sign_in(page: Page, token: str) -> None:
    await page.locator("#token").fill(token)
    await page.locator("#token").press("Enter")


async def test_a_search_its_evidence_its_address_and_going_back(page: Page) -> None:
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("132 movies, 660 reviews")
    await page.get_by_role("combobox").press_sequentially(SHARK, delay=5)
    hits = page.locator(".hit")  # a pause in typing searches without Enter
    await expect(hits.first.locator(".title")).to_have_text("Jaws")
    marked = hits.first.locator("blockquote mark")
    await expect(marked.first).to_have_text(re.compile("shark|seaside|town|summer", re.IGNORECASE))
    await at(page, "/?q=" + SHARK.replace(" ", "+"))

    await page.get_by_role("link", name="Not like this: Jaws").click()
    chips = page.get_by_role("list", name="Active filters").get_by_role("listitem")
    await expect(chips).to_have_text([re.compile("not like Jaws")])
    await expect(hits.first.locator(".title")).not_to_have_text("Jaws")
    assert "&unlike=" in page.url
    shared = page.url
    await page.goto("about:blank")
    await page.goto(shared)  # as a friend opens it
    await expect(chips).to_have_text([re.compile("not like Jaws")])
    await page.get_by_role("link", name="Remove filter: not like Jaws").click()
    await expect(hits.first.locator(".title")).to_have_text("Jaws")
    await page.go_back()
    await expect(chips).to_have_count(1)


async def test_a_movie_its_passages_and_similar_movies(page: Page) -> None:
    await page.goto("/?q=" + SHARK.replace(" ", "+"))
    await page.locator(".hit .title").first.click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Jaws")
    await expect(heading).to_be_focused()
    await expect(page.locator(".quotes blockquote").first).to_be_visible()
    similar = page.locator(".similar li")
    await expect(similar.first.locator("blockquote").first).to_be_visible()
    other = await similar.first.get_by_role("heading").get_by_role("link").inner_text()
    await similar.first.get_by_role("heading").get_by_role("link").click()
    await expect(heading).to_have_text(other)
    await page.go_back()
    await expect(heading).to_have_text("Jaws")
    await page.go_back()
    await expect(page.locator(".hit .title").first).to_have_text("Jaws")


async def test_the_map_and_the_results_that_it_highlights(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("navigation", name="Site").get_by_role("link", name="Map").click()
    await expect(page.get_by_role("application", name="Movie map")).to_be_visible()
    await page.get_by_role("searchbox").fill(SHARK)
    await page.keyboard.press("Enter")
    result = page.locator(".clusters .movies a").first
    await expect(result).to_contain_text("Jaws")
    await page.get_by_role("button", name="Zoom in").click()
    await result.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jaws")
    await page.go_back()
    await expect(page.get_by_role("searchbox")).to_have_value(SHARK)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing_on_any_view(
    browser: Browser, origin: str, system: LocalSystem, scheme: Scheme, width: int
) -> None:
    results: dict[str, list[str]] = {}
    opened = watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True)
    async with opened as page:

        async def look(view: str, ready: Locator) -> None:
            await expect(ready).to_be_visible()
            results[view] = await violations(page)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view

        await page.goto("/")
        await look("home", page.locator(".shelf .poster").first)
        await page.goto(f"/?q={SHARK}&genre=Drama&genre=Thriller")
        await look("results", page.locator(".hit").first)
        await page.locator(".hit .title").first.click()
        await look("movie", page.locator(".similar li").first)
        await page.goto(f"/explore?q={SHARK}")
        await look("map", page.locator(".clusters .movies a").first)
        await page.goto("/admin")
        await look("sign-in", page.locator("#token"))
        await sign_in(page, "wrong")
        await look("wrong token", page.get_by_text("Wrong admin token"))
        await sign_in(page, system.token)
        await page.locator(".admin summary").first.click()
        await look("admin", page.get_by_role("heading", name=re.compile("127.0.0.1")))
    assert len(results) == 7
    assert {view: issues for view, issues in results.items() if issues} == {}


async def test_an_operator_crawls_again_and_follows_it_to_its_end(
    page: Page, system: LocalSystem
) -> None:
    await page.goto("/admin")
    await sign_in(page, "not-the-token")
    await expect(page.get_by_text("Wrong admin token")).to_be_visible()
    await sign_in(page, system.token)
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.evaluate(WATCH_PROGRESS)
    source = page.locator(".source")
    await source.get_by_role("button", name="Crawl now demo").click()
    await expect(source.locator("[aria-current=step]")).to_be_visible()
    await expect(source.locator(".badge")).to_have_text("searchable", timeout=RUN_MS)
    await expect(source).to_contain_text("660 reviews, nothing new")

    seen: list[list[int]] = await page.evaluate("window.seen")
    pages, reviews = [one[0] for one in seen], [one[1] for one in seen]
    assert pages == sorted(pages)
    assert reviews == sorted(reviews)
    assert len(set(pages)) > 2, seen  # the figures were updated live
    assert pages[-1] > 100

    newest = page.locator("[aria-labelledby=runs] .card").first
    await newest.locator("summary").click()
    await expect(newest).to_contain_text("robots.txt")
    await expect(newest).to_contain_text("obeyed")
    kept = await page.evaluate(KEPT)
    assert system.token not in kept
    await page.reload()
    await expect(page.locator("#token")).to_have_value("")


KEPT = """JSON.stringify(
  [localStorage, sessionStorage, document.cookie, history.state, location.href]
)"""
WATCH_PROGRESS = r"""() => {
  window.seen = [];
  const number = (name) => {
    const terms = [...document.querySelectorAll(".progress dt")];
    const text = terms.find((dt) => dt.textContent === name)?.nextElementSibling.textContent;
    return text === undefined ? null : Number(text.replaceAll(/\D/g, ""));
  };
  new MutationObserver(() => {
    const pages = number("Pages");
    if (pages !== null) seen.push([pages, number("Crawled") + number("On unchanged pages")]);
  }).observe(document.querySelector(".admin"), {
    subtree: true, childList: true, characterData: true,
  });
}"""


async def test_a_new_review_is_searchable_in_a_session_until_the_operator_rolls_back(
    page: Page, system: LocalSystem
) -> None:
    await page.goto("/?q=" + SHARK.replace(" ", "+"))
    served = page.locator("#served")
    await expect(served).to_contain_text("132 movies")
    before = re.findall(r"Snapshot (\S+?)\.", await served.inner_text())[0]

    movie = MovieRecord(movie_id="tt9999999", title="The Lighthouse Keeper's Accordion", year=2024)
    said = "An accordion player tends a lighthouse while a blue whale sings back to her."
    review = ReviewRecord(review_id="push:1", movie_id=movie.movie_id, text=said)
    system.push(
        [
            MovieMessage(run_id="by-hand", source="push", movie=movie),
            ReviewMessage(run_id="by-hand", source="push", review=review),
        ]
    )
    box = page.get_by_role("combobox")
    query = "accordion in a lighthouse with a whale"
    hits = page.locator(".hit")
    for n in range(200):  # the session keeps searching
        await box.fill(f"{query} {n % 7}")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=2)).to_contain_text(f"whale {n % 7}")
        await expect(hits.first).to_be_visible()
        if await hits.first.locator(".title").inner_text() == movie.title:
            break
    await expect(hits.first.locator(".title")).to_have_text(str(movie.title))
    await expect(served).to_contain_text("133 movies")
    await expect(served).not_to_contain_text(before)

    await page.goto("/admin")
    await sign_in(page, system.token)
    shelf = page.locator("[aria-labelledby=snapshots]")
    await shelf.get_by_role("button", name=f"Roll back to {before}").click()
    dialog = page.get_by_role("dialog", name=f"Roll back to {before}?")
    await page.keyboard.press("Escape")  # closes the dialog without an action
    await expect(dialog).to_be_hidden()
    roll_back = shelf.get_by_role("button", name=f"Roll back to {before}")
    await expect(roll_back).to_be_focused()
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Roll back").press("Enter")
    await expect(shelf.get_by_role("status")).to_contain_text("is served now", timeout=60_000)
    row = shelf.locator(".snapshot", has_text=before)
    await expect(row.locator(".badge")).to_have_text(["served", "current"])
    await expect(served).to_contain_text(before)
    await page.get_by_role("link", name="Movie Search").first.click()
    await expect(page.locator(".shelf .poster").first).to_be_visible()
    await page.go_back()
    await expect(row).to_be_visible()  # still signed in, as the page was not reloaded


async def test_the_query_service_is_killed_and_back_while_pages_are_open(
    page: Page, browser: Browser, origin: str, system: LocalSystem
) -> None:
    operators: AbstractAsyncContextManager[Page] = watched_page(browser, origin, width=PHONE)
    async with operators as dashboard:
        await dashboard.goto("/admin")
        await sign_in(dashboard, system.token)
        source = dashboard.locator(".source")
        await expect(source).to_be_visible()
        await page.goto("/?q=" + SHARK.replace(" ", "+"))
        await expect(page.locator(".hit").first).to_be_visible()
        box = page.get_by_role("combobox")
        await box.fill("a quiet film about old age")

        system.processes()["query"].kill()
        await page.keyboard.press("Enter")
        await source.get_by_role("button", name="Crawl now demo").click()
        action = source.get_by_role("status")
        await expect(action).to_have_text("Cannot reach the server. Retrying…")
        status = page.locator(".results > .status")
        await expect(status).to_contain_text("Cannot reach the server. Retrying…")
        await expect(page.locator(".hit").first).to_be_visible()  # the results stay

        await expect(status).to_contain_text("best matches first", timeout=60_000)
        heading = page.get_by_role("heading", level=2)
        await expect(heading).to_have_text("Movies for “a quiet film about old age”")
        await expect(action).to_have_text("Crawl requested.", timeout=60_000)
        health = dashboard.locator("[aria-labelledby=health]")
        await expect(health).to_contain_text("online", timeout=60_000)
        await expect(dashboard.get_by_text("Cannot reach the server")).to_have_count(
            0, timeout=60_000
        )
        await expect(source.locator(".badge")).to_have_text("searchable", timeout=RUN_MS)
