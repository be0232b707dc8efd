"""Real posters where there are some, drawn ones elsewhere, and nothing moves when one arrives."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Locator, Page, Route, expect

from services.ingest.posters.poster_image import to_poster
from shared.snapshot.storage.poster_files import PosterFiles
from tests.support.browser.pages import DESK, PHONE
from tests.support.crawl.pictures import drawn, encoded, jpeg
from tests.support.query.query_service import RunningQuery
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURE = to_poster(jpeg())
WIDE = to_poster(encoded(drawn(900, 500)))  # not a poster's shape: it is cut, not squeezed
MOVIES = (
    SampleMovie("tt1", ("Rain and robots.",), title="Amélie", year=2001, poster=PICTURE),
    SampleMovie("tt2", ("Rain and boxers.",), title="The Amen Corner", year=1984),
    SampleMovie("tt3", ("Rain and war.",), title="Nobody", year=1999, poster=WIDE),
)
_SHIFTS = """async () => {
  await document.fonts.ready;
  window.shifts = [];
  new PerformanceObserver((list) =>
    window.shifts.push(...list.getEntries().map(({ value }) => value)),
  ).observe({ type: "layout-shift" });
}"""
_LOADED = "image => image.complete && image.naturalWidth > 0"


async def boxes(posters: Locator) -> list[object]:
    """Where posters are and how large they are."""
    return [await poster.bounding_box() for poster in await posters.all()]


async def loaded(image: Locator) -> None:
    """Wait until a picture is shown."""
    await expect(image).to_have_class("loaded")
    assert await image.evaluate(_LOADED)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize(
    ("path", "posters"),
    [("/?q=rain", ".hit .poster"), ("/", ".shelf .poster"), ("/movie/tt1", ".poster")],
)
async def test_nothing_moves_when_pictures_arrive(
    page: Page, query: RunningQuery, builder: SnapshotBuilder, path: str, posters: str, width: int
) -> None:
    builder.publish(MOVIES)
    await query.reload()
    await page.set_viewport_size({"width": width, "height": 740})
    may_arrive = asyncio.Event()

    async def later(route: Route) -> None:
        await may_arrive.wait()
        await route.continue_()

    await page.route("**/posters/*", later)
    await page.goto(path)
    shown = page.locator(posters)
    await expect(shown).to_have_count(3)
    pictures = shown.locator("img")
    await expect(pictures).to_have_count(2)
    await expect(shown.locator("svg").filter(visible=True)).to_have_count(3 * 2)  # one in another
    await page.evaluate("document.fonts.ready.then(() => true)")  # a late font moves its text
    await page.evaluate(_SHIFTS)
    before = await boxes(shown)
    may_arrive.set()
    for number in range(2):
        await pictures.nth(number).scroll_into_view_if_needed()
        await loaded(pictures.nth(number))
    await page.evaluate("scrollTo(0, 0)")
    assert await boxes(shown) == before
    assert await page.evaluate("window.shifts") == []


async def test_pictures_are_from_our_own_origin_and_fill_their_place(
    page: Page, query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish(MOVIES)
    await query.reload()
    await page.goto("/movie/tt3")
    picture = page.locator("header .poster img")
    await loaded(picture)
    assert (await picture.get_attribute("src") or "").startswith("/posters/")
    assert await picture.get_attribute("loading") == "lazy"
    assert await picture.get_attribute("alt") == ""
    assert await picture.evaluate("image => getComputedStyle(image).objectFit") == "cover"
    assert await picture.bounding_box() == await page.locator("header .poster").bounding_box()


async def test_a_picture_that_is_gone_leaves_the_drawn_poster(
    page: Page, query: RunningQuery, builder: SnapshotBuilder
) -> None:
    builder.publish(MOVIES)
    await query.reload()
    files = PosterFiles(builder.store.root)
    for image in (PICTURE, WIDE):
        files.path(files.put(image)).unlink()
    await page.goto("/movie/tt1")
    await expect(page.locator("header .poster svg").first).to_be_visible()
    await expect(page.locator("header .poster img")).to_have_count(0)
