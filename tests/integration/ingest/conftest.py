"""A small site, and crawls of it. A module's fixture ``movies`` says what the site has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ingest.demo_site.demo_catalogue import DemoCatalogue
from shared.delivery.redis_client import Client
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.watched_site import WatchedSite, watched_site


@pytest.fixture
def site(movies: DemoCatalogue) -> Iterator[WatchedSite]:
    with watched_site(movies) as site:
        yield site


@pytest.fixture
def crawls(redis: Client, redis_url: str, tmp_path: Path, site: WatchedSite) -> Crawls:
    return Crawls(redis, redis_url, tmp_path, site.url)
