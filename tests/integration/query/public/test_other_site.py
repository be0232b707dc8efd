"""The example of docs/public-api.md: a page of another site, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.async_api import Page, expect

from shared.snapshot.storage.store import SnapshotStore
from tests.support.browser.chromium import chromium
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

pytestmark = pytest.mark.browser

GUIDE = Path(__file__).parents[4] / "docs" / "public-api.md"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A web server that is not ours: its folder and its origin."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def publish_example(folder: Path, query: RunningQuery) -> None:
    found = re.search(r"```html\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    assert found[1].count("\n") <= 36
    page = found[1].replace("https://movies.example.org", f"http://{query.host}:{query.port}")
    (folder / "index.html").write_text(page)


async def search(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/index.html")
    await page.get_by_role("textbox").fill("neon city at night")
    await page.get_by_role("button").click()


@pytest.mark.parametrize("allowed", [True, False])
async def test_the_example_page_searches_from_a_site_that_is_allowed(
    tmp_path: Path, site: tuple[Path, str], allowed: bool
) -> None:
    folder, origin = site
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    origins = origin if allowed else "https://other.example"
    settings = query_settings(tmp_path, cors_origins=origins)
    async with running_query(settings, always(encoder)) as query, chromium() as browser:
        await query.reload()
        publish_example(folder, query)
        page = await browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await search(page, origin)
        if allowed:
            await expect(page.get_by_role("status")).to_have_text(re.compile(r"\d movies"))
            assert await page.get_by_role("listitem").count() > 0
            assert [text for text in said if "404" not in text] == []  # its icon
        else:
            async with page.expect_console_message(lambda message: "CORS" in message.text):
                await page.get_by_role("button").click()
            assert await page.get_by_role("listitem").count() == 0
