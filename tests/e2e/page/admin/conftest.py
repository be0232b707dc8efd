"""The admin page with a real query service and a real Redis; the test acts as the other services.

Tests of the whole system are in ``tests/e2e/test_page_system.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect

from shared.delivery.redis_client import Client, connect
from shared.runs import registry
from tests.e2e.page.admin.dashboard import TOKEN, sign_in
from tests.support.delivery.redis_server import RedisServer
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder


@pytest_asyncio.fixture(loop_scope="module")
async def redis(private_redis: RedisServer) -> AsyncIterator[Client]:
    """A client in the module's event loop, with registered sources."""
    client = connect(private_redis.url)
    await registry.publish_sources(client, ["demo", "other"])
    yield client
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def query(
    tmp_path: Path, private_redis: RedisServer, redis: Client, builder: SnapshotBuilder
) -> AsyncIterator[RunningQuery]:
    builder.publish()
    settings = query_settings(
        tmp_path, reload_interval_s=0.05, redis_url=private_redis.url, admin_token=TOKEN
    )
    async with running_query(settings, always(builder.encoder)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def dashboard(page: Page) -> Page:
    """A page as wide as a phone on which the operator is signed in."""
    await page.goto("/admin")
    await sign_in(page, TOKEN)
    await expect(page.locator(".source")).to_have_count(2)
    return page
