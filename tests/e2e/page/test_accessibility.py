"""The page for everybody: axe, contrast, the keyboard alone, a small phone, calm motion."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.page.films import TITLES, many
from tests.support.browser.pages import DESK, PHONE, SCHEMES, Scheme, violations, watched_page
from tests.support.query.snapshots import BOXER, FILMS, SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing(
    browser: Browser, origin: str, builder: SnapshotBuilder, scheme: Scheme, width: int
) -> None:
    """axe is injected, which the content security policy would not let happen."""
    found: dict[str, list[str]] = {}
    async with watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True) as page:
        await page.goto("/")
        await expect(page.get_by_role("status")).to_contain_text("being built")
        found["starting"] = await violations(page)
        builder.publish([*FILMS, *TITLES])
        await expect(page.locator(".shelf .poster").first).to_be_visible()
        found["home"] = await violations(page)

        await page.goto("/?q=rain&unlike=tt3&avoid=war&genre=Drama&genre=Comedy")
        await expect(page.locator(".hit").first).to_be_visible()
        await page.get_by_role("button", name="Why this").first.click()
        await page.get_by_text("Avoid, genres, years").click()
        await page.get_by_text("None of some genres").click()
        found["results"] = await violations(page)
        await page.locator("#q").fill("")
        await page.locator("#q").press_sequentially("ame")
        # Typing pauses: films come, and the titles stay.
        await expect(page.get_by_role("heading", level=2)).to_contain_text("Films for “ame”")
        await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
        await page.keyboard.press("ArrowDown")
        found["suggestions"] = await violations(page)

        await page.goto(f"/film/{BOXER.movie_id}?q=cold+streets")
        await page.get_by_role("button", name="the whole review").first.click()
        await expect(page.locator("details[open] mark")).to_be_visible()
        found["film"] = await violations(page)

        await page.goto("/film/none")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        found["no film"] = await violations(page)
        await page.evaluate("history.pushState({}, '', '/nowhere')")
        await page.evaluate("history.pushState({}, '', '/')")
        await page.go_back()
        await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
        found["nothing"] = await violations(page)
        await page.goto("/?q=rain&genre=Western")
        await expect(page.get_by_role("status")).to_contain_text("Take a filter off")
        found["empty"] = await violations(page)
        await page.goto("/?q=%E2%80%8B")
        await expect(page.get_by_role("status")).to_contain_text("is wanted")
        found["error"] = await violations(page)
        await page.goto("/docs")
        await expect(page.locator("details").first).to_be_visible()
        found["docs"] = await violations(page)
    assert len(found) == 10
    assert {view: wrong for view, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_every_text_is_readable(page: Page, builder: SnapshotBuilder, scheme: Scheme) -> None:
    """WCAG AA, 4.5 to 1, also where axe cannot tell: between options, marks and placeholders."""
    builder.publish(TITLES)
    await page.emulate_media(color_scheme=scheme)
    await page.goto("/?q=rain&unlike=tt3&avoid=war")
    await expect(page.locator(".hit")).to_have_count(2)
    await page.get_by_text("Avoid, genres, years").click()
    await page.locator("#q").fill("")
    await page.locator("#q").press_sequentially("ame")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    found: dict[str, float] = await page.evaluate(CONTRASTS)
    assert len(found) > 10
    assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}


CONTRASTS = r"""() => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
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
    const drawn = element.closest("svg");  // posters have colours, and a test, of their own
    if (!text || drawn || !element.checkVisibility()) continue;
    if (["SCRIPT", "NOSCRIPT"].includes(element.tagName)) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    ratios[text] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  return ratios;
}"""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=boxer",
        f"/?q=boxer&unlike=nm:1&avoid={'w' * 200}&genre=Drama",
        f"/film/{BOXER.movie_id}?q={'w' * 200}",
        "/film/none",
        "/docs",
    ],
)
async def test_nothing_is_wider_than_a_small_phone(
    page: Page, builder: SnapshotBuilder, path: str
) -> None:
    builder.publish()
    await page.goto(path)
    shown = page.locator(".shelf .poster, .hit, #telling, .lead, details")
    await expect(shown.first).to_be_visible()
    for why in await page.get_by_role("button", name="Why this").all():
        await why.click()
    for summary in await page.locator("summary").all():
        await summary.evaluate("summary => { summary.parentElement.open = true }")
    widths: list[int] = await page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert widths[0] == widths[1]


async def test_what_is_touched_is_large_enough(page: Page, builder: SnapshotBuilder) -> None:
    """24 by 24 CSS pixels (WCAG 2.2 AA) for all that does not stand in a sentence."""
    builder.publish()
    await page.goto("/?q=boxer&avoid=war&genre=Drama")
    await expect(page.locator(".hit").first).to_be_visible()
    await page.get_by_text("Avoid, genres, years").click()
    small: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, select, summary")]
          .filter((element) => element.checkVisibility() && !element.closest("figcaption, h3"))
          .map((element) => element.closest("label") ?? element)
          .filter((element) => {
            const { width, height, bottom } = element.getBoundingClientRect();
            return bottom > 0 && (width < 24 || height < 24);
          })
          .map((element) => element.outerHTML.slice(0, 100))"""
    )
    assert small == []


async def test_the_keyboard_is_enough(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLES)
    await page.goto("/")
    await expect(page.locator(".shelf .poster")).to_have_count(3)
    await expect(page.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("robots")
    await page.keyboard.press("Enter")
    await expect(page.locator(".hit")).to_have_count(3)
    seen: list[str] = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        name: str = await page.evaluate(
            "(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()"
        )
        outline: str = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if name and name not in seen:
            assert outline != "none", name
            seen.append(name)
        if name == "Why this: Amélie":
            break
    wanted = ["Search", "Avoid, genres, years, rating", "Amélie", "More like this: Amélie"]
    assert [name for name in seen if name in wanted] == wanted
    await page.keyboard.press("Space")
    await expect(page.locator(".hit").first.locator("dl")).to_be_visible()

    await page.reload()
    await expect(page.locator(".hit")).to_have_count(3)
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the films")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()


async def test_who_wants_no_motion_gets_none(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(many(11))
    await page.emulate_media(reduced_motion="reduce")
    await page.goto("/?q=words")
    await expect(page.locator(".hit")).to_have_count(10)
    moving: int = await page.evaluate(
        """() => document.getAnimations().length + [...document.querySelectorAll("*")]
          .filter((element) => getComputedStyle(element).transitionDuration !== "0s").length"""
    )
    assert moving == 0
