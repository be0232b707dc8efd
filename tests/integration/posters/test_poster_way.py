"""The whole way of a poster: from a site's server to an answer of our own service."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from services.embedder.settings import EmbedderSettings
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.support.crawl import pictures
from tests.support.crawl.crawls import Crawls
from tests.support.crawl.hostile_site import answer, hostile_site
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import embedder, ended
from tests.support.query.query_service import always, query_settings, running_query

PAGE = """<script type="application/ld+json">{{"@type": "Movie", "name": "{name}",
  "image": "/{image}", "review": {{"@type": "Review", "reviewBody": "Rowing at its best."}}
}}</script><a href="/b">next</a>"""
CONFIG = """[sources.site]
spider = "schema_org"
start_urls = ["{url}"]
allow_private = true
delay_s = 0.01
posters = true
"""


@pytest.mark.timeout(180)
async def test_from_the_site_to_the_answer(redis: Client, redis_url: str, tmp_path: Path) -> None:
    crawls = Crawls(redis, redis_url, tmp_path)
    routes = {
        "/a": lambda _: answer(PAGE.format(name="The Oar", image="good.jpg")),
        "/b": lambda _: answer(PAGE.format(name="The Boat", image="bad.jpg")),
        "/good.jpg": lambda _: answer(pictures.jpeg(), kind="image/jpeg"),
        "/bad.jpg": lambda _: answer(pictures.HTML, kind="image/jpeg"),
    }
    encoder = HashEncoder()
    settings = EmbedderSettings(redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1)
    with hostile_site(routes) as site:
        crawls.configure(CONFIG.format(url=site.url(path="/a")))
        async with embedder(settings, encoder):
            run = await crawls.request("site")
            outcome = await crawls.crawl(run)
            assert outcome.error is None, crawls.errors.decode()
            await registry.advance(redis, run, "embedding")
            record = await ended(redis, run)
        assert (record.state, record.unread_values, record.unread_pages) == ("searchable", 1, 0)
        asked = len(site.paths())
    async with running_query(query_settings(tmp_path), always(encoder)) as query:
        await query.reload()
        movies = (await query.client.get("/movies")).json()["movies"]
        posters = {movie["title"]: movie["poster"] for movie in movies}
        assert posters["The Boat"] is None
        shown = await query.client.get(posters["The Oar"])
    with Image.open(BytesIO(shown.content)) as image:
        assert (image.format, image.size) == ("WEBP", (342, 513))
    assert len(site.paths()) == asked  # the reader's browser is known to us only
