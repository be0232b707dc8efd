"""The page in a real browser, watched: it may not complain, nor ask anybody else for anything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, expect

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PHONE, DESK = 360, 1280
UI = Path(__file__).parents[3] / "services" / "query" / "ui"
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Watch:
    """What a page did that it should not do."""

    origin: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Note what the page says and whom it asks, from now on."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("request", lambda request: self._ask(request.url))

    def _ask(self, url: str) -> None:
        if not url.startswith(f"{self.origin}/"):
            self.elsewhere.append(url)

    def check(self) -> None:
        """Nothing was noted, but what the browser itself logs of answers that are errors."""
        assert [said for said in self.complaints if "Failed to load resource" not in said] == []
        assert self.elsewhere == []


@asynccontextmanager
async def watched_page(
    browser: Browser,
    origin: str,
    *,
    width: int = PHONE,
    scheme: Scheme = "light",
    bypass_csp: bool = False,
) -> AsyncIterator[Page]:
    """A new page; what it should not have done fails the test at the end."""
    context = await browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": 740},
        color_scheme=scheme,
        bypass_csp=bypass_csp,
    )
    page = await context.new_page()
    watch = Watch(origin)
    watch.follow(page)
    try:
        yield page
    finally:
        await context.close()
    watch.check()


# What fades has no contrast of its own yet; what breathes for as long as it is there has.
CALM = """() => !document.querySelector(".stale") && document.getAnimations().every((one) =>
  one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity)"""


async def at(page: Page, address: str) -> None:
    """Wait until the page's address ends so."""
    await expect(page).to_have_url(re.compile(re.escape(address) + "$"))


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now; the context must bypass the CSP."""
    await page.wait_for_function(CALM)
    if not await page.evaluate("'axe' in window"):
        await page.add_script_tag(path=AXE)
    found: list[str] = await page.evaluate(
        """async () => {
          const { violations } = await axe.run(document, { resultTypes: ["violations"] });
          return violations.flatMap(({ id, help, nodes }) =>
            nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}`));
        }"""
    )
    return found
