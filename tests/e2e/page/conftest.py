"""The page with a real service, a real snapshot and a real browser, one browser per module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from shared.snapshot.storage.store import SnapshotStore
from tests.support.browser.chromium import chromium
from tests.support.browser.pages import watched_page
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder


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


@pytest.fixture
def origin(query: RunningQuery) -> str:
    return f"http://{query.host}:{query.port}"


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, origin: str) -> AsyncIterator[Page]:
    """A page as wide as a phone."""
    async with watched_page(browser, origin) as opened:
        yield opened
