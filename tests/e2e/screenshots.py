"""``make screenshots``: the pictures of the README, taken of the real system.

The demo catalogue is crawled by all three services into a folder of its own, and what is in
``docs/screenshots`` is written anew. Pictures are WebP, small enough to be looked at on the road.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

from tests.support.browser.chromium import chromium
from tests.support.browser.pages import DESK, PHONE, Scheme, watched_page
from tests.support.local_system import LocalSystem

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MAX_BYTES = 120_000
HEIGHTS = {PHONE: 780, DESK: 860}
VIEWPORT_OF_PHONE = {"width": PHONE, "height": HEIGHTS[PHONE]}
QUALITIES = (88, 80, 70, 60, 50, 40)
QUERY = "space, loneliness and silence"


@dataclass(frozen=True)
class Shot:
    """A view as somebody sees it."""

    view: str
    width: int
    scheme: Scheme

    @property
    def path(self) -> Path:
        """Where its picture lies."""
        size = "phone" if self.width == PHONE else "desk"
        return FOLDER / f"{self.view}-{size}-{self.scheme}.webp"


SHOTS = (
    Shot("home", DESK, "light"),
    Shot("home", PHONE, "dark"),
    Shot("results", DESK, "light"),
    Shot("results", PHONE, "light"),
    Shot("film", DESK, "dark"),
    Shot("film", PHONE, "light"),
    Shot("map", DESK, "dark"),
    Shot("map", PHONE, "dark"),
    Shot("admin", DESK, "light"),
    Shot("admin", PHONE, "dark"),
)


class PictureTooLarge(RuntimeError):
    """A picture does not fit into its bytes, however roughly it is drawn."""


async def home(page: Page, system: LocalSystem) -> None:
    """The page before a search."""
    await page.goto("/")
    await expect(page.locator(".shelf .poster").first).to_be_visible()


async def results(page: Page, system: LocalSystem) -> None:
    """A search."""
    await page.goto(f"/?q={QUERY}&avoid=horror")
    await expect(page.locator(".hit mark").first).to_be_visible()


async def film(page: Page, system: LocalSystem) -> None:
    """The first film of that search."""
    await results(page, system)
    await page.locator(".hit .title").first.click()
    await expect(page.locator(".similar li").first).to_be_attached()


async def film_map(page: Page, system: LocalSystem) -> None:
    """The same search on the map."""
    await page.goto(f"/explore?q={QUERY}")
    await expect(page.locator(".clusters .films a").first).to_be_attached()


async def admin(page: Page, system: LocalSystem) -> None:
    """The operator's corner while a crawl is under way."""
    await page.goto("/admin")
    await page.locator("#token").fill(system.token)
    await page.locator("#token").press("Enter")
    await page.get_by_role("button", name="Re-ingest demo").click()
    await expect(page.locator(".progress .shares").first).to_be_visible(timeout=60_000)
    panel = "sources" if page.viewport_size == VIEWPORT_OF_PHONE else "health"
    await page.locator(f"#{panel}").evaluate("heading => heading.scrollIntoView()")


async def calm(page: Page, system: LocalSystem) -> None:
    """Let the crawl end, so that the next can begin."""
    done = page.locator(".source .badge")
    await expect(done).to_have_text(re.compile("searchable"), timeout=90_000)


VIEWS: dict[str, Callable[[Page, LocalSystem], Awaitable[None]]] = {
    "home": home, "results": results, "film": film, "map": film_map, "admin": admin,
}  # fmt: skip


def compressed(png: bytes) -> bytes:
    """A picture as WebP, as fine as its bytes allow.

    Raises:
        PictureTooLarge: it does not fit.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in QUALITIES:
        into = io.BytesIO()
        picture.save(into, "WEBP", quality=quality, method=6)
        if into.tell() <= MAX_BYTES:
            return into.getvalue()
    raise PictureTooLarge(f"more than {MAX_BYTES} bytes")


async def take_all(system: LocalSystem) -> None:
    """Take the pictures, one after the other."""
    async with chromium() as browser:
        for shot in SHOTS:
            opened = watched_page(
                browser, str(system.client.base_url), width=shot.width, scheme=shot.scheme
            )
            async with opened as page:
                height = HEIGHTS[shot.width]
                await page.set_viewport_size({"width": shot.width, "height": height})
                await VIEWS[shot.view](page, system)
                await page.wait_for_load_state("networkidle" if shot.view != "admin" else "load")
                await page.evaluate("document.fonts.ready")
                shot.path.write_bytes(compressed(await page.screenshot(animations="disabled")))
                print(f"{shot.path.name}: {shot.path.stat().st_size / 1000:.0f} kB")
                if shot.view == "admin":
                    await calm(page, system)


def main() -> int:
    """Write all pictures anew; returns the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory(prefix="movie-search-") as folder,
        LocalSystem(Path(folder) / "data") as system,
    ):
        system.wait_until_ready()
        asyncio.run(take_all(system))
    return 0


if __name__ == "__main__":
    sys.exit(main())
