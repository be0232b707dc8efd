"""The page in a real browser, over a real service and a real snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from shared.snapshot.store import SnapshotStore
from tests.support.chromium import chromium
from tests.support.encoders import HashEncoder
from tests.support.query_service import RunningQuery, always, query_settings, running_query
from tests.support.snapshots import BOXER, Film, SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def builder(tmp_path: Path) -> SnapshotBuilder:
    return SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), HashEncoder())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def query(tmp_path: Path, builder: SnapshotBuilder) -> AsyncIterator[RunningQuery]:
    settings = query_settings(tmp_path, reload_interval_s=0.05)
    async with running_query(settings, always(builder.encoder)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(query: RunningQuery, browser: Browser) -> AsyncIterator[Page]:
    """A page; the test fails if the browser complains, e.g. of the content security policy."""
    context = await browser.new_context(
        base_url=f"http://{query.host}:{query.port}", viewport={"width": 360, "height": 740}
    )
    page = await context.new_page()
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on(
        "request",
        lambda request: (
            elsewhere.append(request.url)
            if f"//{query.host}:{query.port}/" not in request.url
            else None
        ),
    )
    yield page
    await context.close()
    # An answer that is an error is logged by the browser itself, and handled by the page.
    assert [said for said in complaints if "Failed to load resource" not in said] == []
    assert elsewhere == []


async def test_search_click_similar_and_go_back(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("4 films, 6 reviews")
    await page.get_by_label("What do you feel like watching?").fill("sweat and stairs")
    await page.keyboard.press("Enter")
    first = page.locator(".hit").first
    await expect(first.locator(".title")).to_have_text("The Underdog")
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(first.locator("blockquote").first).to_contain_text("Sweat, stairs")
    assert (
        await first.get_by_role("link", name="the review").first.get_attribute("href")
        == f"{BOXER.url}#review-2"
    )
    assert page.url.endswith("/?q=sweat%20and%20stairs")

    await page.get_by_role("link", name="Films similar to The Underdog").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Films like The Underdog")
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await expect(page.locator(".hit")).to_have_count(3)

    await page.go_back()
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(page.locator("#q")).to_have_value("sweat and stairs")
    await page.reload()
    await expect(page.locator(".hit").first.locator(".title")).to_have_text("The Underdog")


async def test_an_example_is_a_click(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish()
    await page.goto("/")
    await page.get_by_role("link", name="space, loneliness and silence").click()
    await expect(page.locator("#q")).to_have_value("space, loneliness and silence")
    await expect(page.locator(".hit")).to_have_count(4)


async def test_a_search_before_the_first_snapshot_answers_itself(
    page: Page, builder: SnapshotBuilder
) -> None:
    await page.goto("/?q=boxer")
    await expect(page.get_by_role("status")).to_contain_text("being built")
    builder.publish()
    await expect(page.locator(".hit")).to_have_count(4)
    await expect(page.get_by_role("status")).to_contain_text("best first")


async def test_the_home_page_says_when_it_can_be_used(page: Page, builder: SnapshotBuilder) -> None:
    await page.goto("/")
    await expect(page.get_by_role("status")).to_contain_text("being built")
    builder.publish()
    await expect(page.locator("#served")).to_contain_text("4 films")
    await expect(page.get_by_role("status")).to_be_empty()


async def test_a_query_that_is_refused_says_what_is_wanted(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish()
    await page.goto("/?q=%E2%80%8B")
    await expect(page.get_by_role("status")).to_contain_text("Something visible is wanted")
    await page.goto("/?like=none")
    await expect(page.get_by_role("status")).to_contain_text("not in the index")


async def test_more_films(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish([Film(f"tt{n:02}", (f"Words number {n}.",)) for n in range(23)])
    await page.goto("/?q=words")
    await expect(page.locator(".hit")).to_have_count(10)
    more = page.get_by_role("button", name="More films")
    await more.click()
    await expect(page.locator(".hit")).to_have_count(20)
    await more.click()
    await expect(page.locator(".hit")).to_have_count(23)
    await expect(more).to_be_hidden()
    shown = await page.locator(".hit .title").all_text_contents()
    assert len(set(shown)) == 23


async def test_what_a_source_says_is_text_not_markup(page: Page, builder: SnapshotBuilder) -> None:
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    builder.publish(
        [Film("tt1", (f"Nasty {nasty}.",), title=nasty, genres=(nasty,), description=nasty)]
    )
    await page.goto("/?q=nasty")
    await expect(page.locator(".hit .title")).to_have_text(nasty)
    assert await page.locator(".hit img, .hit script").count() == 0


@pytest.mark.parametrize("path", ["/", "/?q=boxer", "/docs"])
async def test_nothing_is_wider_than_a_small_phone(
    page: Page, builder: SnapshotBuilder, path: str
) -> None:
    builder.publish()
    await page.goto(path)
    await expect(page.locator("#served, .hit, details").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_api_page_shows_every_operation(page: Page, query: RunningQuery) -> None:
    await page.goto("/docs")
    document = query.app.openapi()
    count = sum(len(methods) for methods in document["paths"].values())
    await expect(page.locator("details")).to_have_count(count)
    await expect(page.locator("tbody tr[id=not-ready]")).to_be_visible()
