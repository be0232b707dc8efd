"""Accessibility of the page: axe, contrast, keyboard, small screens, reduced motion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.page.movies import CAST, TITLED, numbered
from tests.support.browser.pages import DESK, PHONE, SCHEMES, Scheme, violations, watched_page
from tests.support.query.snapshots import BOXER, MOVIES, SnapshotBuilder

UNDERSTOOD = [replace(movie, movie_id=f"u:{movie.movie_id}") for movie in CAST]

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing(
    browser: Browser, origin: str, builder: SnapshotBuilder, scheme: Scheme, width: int
) -> None:
    """Bypasses the content security policy, which would block the injected axe."""
    results: dict[str, list[str]] = {}
    async with watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True) as page:
        await page.goto("/")
        await expect(page.get_by_role("status")).to_contain_text("Nothing can be searched yet")
        results["starting"] = await violations(page)
        builder.publish([*MOVIES, *TITLED, *UNDERSTOOD])
        await expect(page.locator(".shelf .poster").first).to_be_visible()
        results["home"] = await violations(page)

        await page.goto("/?q=rain&unlike=tt3&avoid=war&genre=Drama&genre=Comedy")
        await expect(page.locator(".hit").first).to_be_visible()
        await page.get_by_role("button", name="Why this").first.click()
        await page.locator(".refine > summary").click()
        await page.get_by_text("Exclude genres").click()
        results["results"] = await violations(page)
        await page.locator("#q").fill("")
        await page.locator("#q").press_sequentially("ame")
        # After a pause in typing, results appear and the suggestions stay.
        await expect(page.get_by_role("heading", level=2)).to_contain_text("Movies for “ame”")
        await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
        await page.keyboard.press("ArrowDown")
        results["suggestions"] = await violations(page)

        await page.locator("#q").fill("")
        await page.locator("#q").press_sequentially("vargsen")
        await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        results["suggested person"] = await violations(page)

        await page.goto("/?q=robots,+90s+french+comedies+with+vargsn,+not+scary&genre=Drama")
        await expect(page.get_by_role("list", name="Understood")).to_be_visible()
        await expect(page.get_by_text("Showing results for vargson")).to_be_visible()
        results["understood"] = await violations(page)
        await page.goto("/?q=zzgrx+qwpfk&genre=Horror")
        await expect(page.get_by_role("region", name="Nothing fits well")).to_be_visible()
        results["nothing fits"] = await violations(page)

        await page.goto(f"/movie/{BOXER.movie_id}?q=cold+streets")
        await page.get_by_role("button", name="Full review").first.click()
        await expect(page.locator("details[open] mark")).to_be_visible()
        results["movie"] = await violations(page)

        await page.goto("/movie/none")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        results["no movie"] = await violations(page)
        await page.evaluate("history.pushState({}, '', '/nowhere')")
        await page.evaluate("history.pushState({}, '', '/')")
        await page.go_back()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
        results["not found"] = await violations(page)
        await page.goto("/?q=rain&genre=Western")
        await expect(page.get_by_role("status")).to_contain_text("Try removing one")
        results["empty"] = await violations(page)
        await page.goto("/?q=%E2%80%8B")
        await expect(page.get_by_role("status")).to_contain_text("This search is not valid")
        results["error"] = await violations(page)
        await page.goto("/docs")
        await expect(page.locator("details").first).to_be_visible()
        results["docs"] = await violations(page)
    assert len(results) == 13
    assert {view: issues for view, issues in results.items() if issues} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_every_text_is_readable(page: Page, builder: SnapshotBuilder, scheme: Scheme) -> None:
    """WCAG AA, 4.5 to 1, also where axe cannot check: options, marks and placeholders."""
    builder.publish(TITLED)
    await page.emulate_media(color_scheme=scheme)
    await page.goto("/?q=rain&unlike=tt3&avoid=war")
    await expect(page.locator(".hit")).to_have_count(2)
    await page.locator(".refine > summary").click()
    await page.locator("#q").fill("")
    await page.locator("#q").press_sequentially("ame")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    ratios: dict[str, float] = await page.evaluate(CONTRASTS)
    assert len(ratios) > 10
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}


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
    const drawn = element.closest("svg");  // the contrast of posters has a separate test
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
        f"/movie/{BOXER.movie_id}?q={'w' * 200}",
        f"/?q=90s+{'w' * 100}+with+vargson&person={'w' * 100}",
        "/movie/none",
        "/docs",
    ],
)
async def test_nothing_is_wider_than_a_small_phone(
    page: Page, builder: SnapshotBuilder, path: str
) -> None:
    builder.publish([*MOVIES, *UNDERSTOOD])
    await page.goto(path)
    shown = page.locator(".shelf .poster, .hit, #passages, .lead, details")
    await expect(shown.first).to_be_visible()
    for why in await page.get_by_role("button", name="Why this").all():
        await why.click()
    for summary in await page.locator("summary").all():
        await summary.evaluate("summary => { summary.parentElement.open = true }")
    widths: list[int] = await page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert widths[0] == widths[1]


async def test_touch_targets_are_large_enough(page: Page, builder: SnapshotBuilder) -> None:
    """24 by 24 CSS pixels (WCAG 2.2 AA) for every target outside a sentence."""
    builder.publish()
    await page.goto("/?q=90s+boxer&avoid=war&genre=Drama")
    await expect(page.locator(".hit").first).to_be_visible()
    await page.locator(".refine > summary").click()
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


async def test_the_keyboard_is_sufficient(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(TITLED)
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
    expected = ["Search", "Filters", "Amélie", "More like this: Amélie"]
    assert [name for name in seen if name in expected] == expected
    await page.keyboard.press("Space")
    await expect(page.locator(".hit").first.locator("dl")).to_be_visible()

    await page.reload()
    await expect(page.locator(".hit")).to_have_count(3)
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()


async def test_reduced_motion_disables_animations(page: Page, builder: SnapshotBuilder) -> None:
    builder.publish(numbered(11))
    await page.emulate_media(reduced_motion="reduce")
    await page.goto("/?q=words")
    await expect(page.locator(".hit")).to_have_count(10)
    moving: int = await page.evaluate(
        """() => document.getAnimations().length + [...document.querySelectorAll("*")]
          .filter((element) => getComputedStyle(element).transitionDuration !== "0s").length"""
    )
    assert moving == 0
