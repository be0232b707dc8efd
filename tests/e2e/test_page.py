"""The page in a real browser, over a real service and a real snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

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
    assert page.url.endswith("/?q=sweat+and+stairs")

    await page.get_by_role("link", name="Similar films: The Underdog").click()
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


TITLES = (
    Film("tt1", ("Rain and robots.",), title="Amélie", year=2001, genres=("Comedy",)),
    Film("tt2", ("Rain and boxers.",), title="The Amen Corner", year=1984, genres=("Drama",)),
    Film("tt3", ("Rain and war.",), title="Nobody", year=1999, genres=("Drama", "War")),
)


async def test_a_title_is_suggested_and_chosen_with_the_keyboard(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLES)
    await page.goto("/")
    await expect(page.locator("#served")).to_contain_text("3 films")
    box = page.get_by_role("combobox")
    await box.focus()
    await page.keyboard.type("ame")
    options = page.get_by_role("option")
    await expect(options).to_have_count(2)
    await expect(box).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Escape")
    await expect(options).to_have_count(0)
    await expect(box).to_have_value("ame")

    await page.keyboard.type("l")
    await expect(options).to_have_text(["Amélie (2001)"])
    await page.keyboard.press("ArrowDown")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    active = await options.first.get_attribute("id")
    assert active is not None
    await expect(box).to_have_attribute("aria-activedescendant", active)
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("Amélie")
    await expect(box).to_have_attribute("aria-expanded", "false")
    await expect(page.locator(".hit .title").first).to_have_text("Amélie")


async def test_a_suggestion_is_a_click_and_typing_on_needs_none(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLES)
    await page.goto("/")
    box = page.get_by_role("combobox")
    await expect(page.locator("#served")).to_contain_text("3 films")
    await box.press_sequentially("corn")
    await page.get_by_role("option", name="The Amen Corner (1984)").click()
    await expect(page.locator(".hit .title").first).to_have_text("The Amen Corner")
    await box.fill("")
    await box.press_sequentially("ame")
    await expect(page.get_by_role("option")).to_have_count(2)
    await page.keyboard.press("Enter")  # nothing was chosen: what was typed is searched for
    await expect(page.get_by_role("heading", level=2)).to_have_text("Films for “ame”")
    await expect(page.get_by_role("option")).to_have_count(0)


async def test_liking_and_not_liking_are_chips_in_the_address(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLES)
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(3)
    await page.get_by_role("link", name="More like this: Amélie").click()
    await expect(page.locator(".hit")).to_have_count(2)
    await page.get_by_role("link", name="Not like this: Nobody").press("Enter")
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    assert page.url.endswith("/?q=rain&like=tt1&unlike=tt3")

    await page.reload()  # titles are learnt again
    chips = page.get_by_role("list", name="Also in this search").get_by_role("link")
    await expect(chips).to_have_text(["like Amélie×", "not like Nobody×"])
    await page.get_by_role("combobox").fill("robots")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Films for “robots”")
    assert page.url.endswith("/?q=robots&like=tt1&unlike=tt3")

    await page.get_by_role("link", name="not like Nobody: remove").press("Enter")
    await expect(page.locator(".hit")).to_have_count(2)
    await expect(page.get_by_role("heading", level=2)).to_be_focused()
    await page.get_by_role("link", name="like Amélie: remove").click()
    await expect(page.locator(".hit")).to_have_count(3)
    await expect(chips).to_have_count(0)
    await page.go_back()
    await expect(chips).to_have_text(["like Amélie×"])


async def test_filters_and_what_to_avoid_are_in_the_address(
    page: Page, builder: SnapshotBuilder
) -> None:
    builder.publish(TITLES)
    await page.goto("/?q=rain")
    await expect(page.locator(".hit")).to_have_count(3)
    await page.get_by_text("Avoid, genres, years").press("Enter")
    await page.get_by_label("Nothing with").fill("war & boxers")
    await page.get_by_role("checkbox", name="Drama").check()
    await page.get_by_label("From").fill("1980")
    await page.get_by_label("to", exact=True).fill("1990")
    await page.get_by_role("button", name="Search with these").click()
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])
    assert page.url.endswith(
        "/?q=rain&avoid=war+%26+boxers&genre=Drama&year_from=1980&year_to=1990"
    )
    await page.reload()
    await expect(page.locator(".hit")).to_have_count(1)
    chips = page.locator(".chips a")
    await expect(chips).to_have_text(["without war & boxers×", "Drama×", "1980–1990×"])
    await page.get_by_text("Avoid, genres, years").click()
    await expect(page.get_by_role("checkbox", name="Drama")).to_be_checked()
    await expect(page.get_by_label("Nothing with")).to_have_value("war & boxers")
    await page.get_by_role("link", name="1980–1990: remove").click()
    await expect(page.locator(".hit")).to_have_count(2)

    await page.goto("/?q=rain&genre=Western")
    await expect(page.get_by_role("status")).to_contain_text("Take a filter off")


async def test_similar_films_say_what_both_have(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLES)
    await page.goto("/?like=tt1")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Films like Amélie")
    captions = page.locator(".hit").first.locator("figcaption")
    await expect(captions.first).to_contain_text("on Amélie")
    await expect(page.locator(".hit").first.locator("blockquote").first).to_have_text(
        "Rain and robots."
    )
    await page.get_by_role("link", name="More like this: Nobody").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Films like Amélie, Nobody")
    await expect(page.locator(".hit .title")).to_have_text(["The Amen Corner"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_is_readable(
    page: Page, builder: SnapshotBuilder, scheme: Literal["light", "dark"]
) -> None:
    """WCAG AA: 4.5 to 1 between a text and what is behind it."""
    builder.publish(TITLES)
    await page.emulate_media(color_scheme=scheme)
    await page.goto("/?q=rain&unlike=tt3&avoid=war")
    await expect(page.locator(".hit")).to_have_count(2)
    await page.get_by_text("Avoid, genres, years").click()
    await page.get_by_role("combobox").fill("")
    await page.get_by_role("combobox").press_sequentially("ame")
    await expect(page.get_by_role("option")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    found: dict[str, float] = await page.evaluate(CONTRASTS)
    assert len(found) > 10
    assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}


CONTRASTS = r"""() => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const ratios = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || ["SCRIPT", "NOSCRIPT"].includes(element.tagName)) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    ratios[text] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  return ratios;
}"""  # noqa: E501


@pytest.mark.parametrize(
    "path", ["/", "/?q=boxer", f"/?q=boxer&unlike=nm:1&avoid={'w' * 200}&genre=Drama", "/docs"]
)
async def test_nothing_is_wider_than_a_small_phone(
    page: Page, builder: SnapshotBuilder, path: str
) -> None:
    builder.publish()
    await page.goto(path)
    await expect(page.locator("#served, .hit, details").first).to_be_visible()
    for summary in await page.locator("summary").all():
        await summary.evaluate("summary => { summary.parentElement.open = true }")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_api_page_shows_every_operation(page: Page, query: RunningQuery) -> None:
    await page.goto("/docs")
    document = query.app.openapi()
    count = sum(len(methods) for methods in document["paths"].values())
    await expect(page.locator("details")).to_have_count(count)
    await expect(page.locator("tbody tr[id=not-ready]")).to_be_visible()
