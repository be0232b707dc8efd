"""What browsers and crawlers ask for besides the page itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.query.page.page_files import DIST
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FILES = {
    "/favicon.ico": "image/x-icon",
    "/icon.svg": "image/svg+xml",
    "/icon-192.png": "image/png",
    "/icon-512.png": "image/png",
    "/apple-touch-icon.png": "image/png",
    "/share.png": "image/png",
    "/robots.txt": "text/plain; charset=utf-8",
    "/manifest.webmanifest": "application/manifest+json",
}


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def test_icons_manifest_and_robots_are_there(query: RunningQuery) -> None:
    assert DIST.is_dir(), "the page is not built: make setup builds it"
    for path, media_type in FILES.items():
        answer = await query.client.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type), path
    manifest = (await query.client.get("/manifest.webmanifest")).json()
    assert {icon["src"] for icon in manifest["icons"]} <= FILES.keys()
    assert "Disallow: /admin" in (await query.client.get("/robots.txt")).text


async def test_an_address_without_a_page_is_a_page_for_people_and_a_problem_for_programs(
    query: RunningQuery,
) -> None:
    page = await query.client.get("/no/such/page", headers=BROWSER)
    assert page.status_code == 404
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.text == (await query.client.get("/")).text
    for headers in ({}, {"Accept": "application/json"}):
        problem = await query.client.get("/no/such/page", headers=headers)
        assert problem.status_code == 404
        assert problem.headers["Content-Type"] == "application/problem+json"
    posted = await query.client.post("/no/such/page", headers=BROWSER)
    assert posted.headers["Content-Type"] == "application/problem+json"
    movie = await query.client.get("/movies/tt9999999", headers=BROWSER)
    assert movie.headers["Content-Type"] == "application/problem+json"
