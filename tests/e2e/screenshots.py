"""``make screenshots``: take the pictures of the README, with the real system.

All three services run with a temporary data folder and crawl the demo catalogue; the pictures in
``docs/screenshots`` are replaced. They are WebP, small enough for a mobile connection.
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
    """A picture of a view."""

    view: str
    width: int
    scheme: Scheme

    @property
    def path(self) -> Path:
        """The file of the picture."""
        size = "phone" if self.width == PHONE else "desk"
        return FOLDER / f"{self.view}-{size}-{self.scheme}.webp"


SHOTS = (
    Shot("home", DESK, "light"),
    Shot("home", PHONE, "dark"),
    Shot("results", DESK, "light"),
    Shot("results", PHONE, "light"),
    Shot("movie", DESK, "dark"),
    Shot("movie", PHONE, "light"),
    Shot("map", DESK, "dark"),
    Shot("map", PHONE, "dark"),
    Shot("admin", DESK, "light"),
    Shot("admin", PHONE, "dark"),
)


class PictureTooLarge(RuntimeError):
    """A picture exceeds its maximum size even at the lowest quality."""


async def home(page: Page, system: LocalSystem) -> None:
    """The page before a search."""
    await page.goto("/")
    await expect(page.locator(".shelf .poster").first).to_be_visible()


async def results(page: Page, system: LocalSystem) -> None:
    """A search."""
    await page.goto(f"/?q={QUERY}&avoid=horror")
    await expect(page.locator(".hit mark").first).to_be_visible()


async def movie(page: Page, system: LocalSystem) -> None:
    """The first movie of that search."""
    await results(page, system)
    await page.locator(".hit .title").first.click()
    await expect(page.locator(".similar li").first).to_be_attached()


async def movie_map(page: Page, system: LocalSystem) -> None:
    """The same search on the map."""
    await page.goto(f"/explore?q={QUERY}")
    await expect(page.locator(".clusters .movies a").first).to_be_attached()


async def admin(page: Page, system: LocalSystem) -> None:
    """The admin page during a crawl."""
    await page.goto("/admin")
    await page.locator("#token").fill(system.token)
    await page.locator("#token").press("Enter")
    await page.get_by_role("button", name="Crawl now demo").click()
    await expect(page.locator(".progress .shares").first).to_be_visible(timeout=60_000)
    panel = "sources" if page.viewport_size == VIEWPORT_OF_PHONE else "health"
    await page.locator(f"#{panel}").evaluate("heading => heading.scrollIntoView()")


async def wait_for_crawl(page: Page) -> None:
    """Wait until the crawl ends, so that the next one can start."""
    done = page.locator(".source .badge")
    await expect(done).to_have_text(re.compile("searchable"), timeout=90_000)


VIEWS: dict[str, Callable[[Page, LocalSystem], Awaitable[None]]] = {
    "home": home, "results": results, "movie": movie, "map": movie_map, "admin": admin,
}  # fmt: skip


def compressed(png: bytes) -> bytes:
    """Encode a picture as WebP, in the best quality within ``MAX_BYTES``.

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
    """Take the pictures one after the other."""
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
                    await wait_for_crawl(page)


def main() -> int:
    """Replace all pictures; returns the exit code."""
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
