"""Keys, rates, other sites, caching and compression, as clients of a real service see them."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.query.access.key_file import add_key
from services.query.access.rates import Rate
from services.query.settings import QuerySettings
from shared.settings import SettingsInvalid, load_settings
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import MOVIES, SampleMovie, SnapshotBuilder

SITE = "https://blog.example.org"
CORS = "Access-Control-Allow-Origin"
TOKEN = "correct-horse-battery-staple-0123456789"
GETS = (
    "/movies", "/movies/tt0075148", "/movies/tt0075148/reviews", "/movies/tt0075148/similar",
    "/facets", "/suggest?q=a", "/search?q=neon", "/map",
)  # fmt: skip
ADMIN = ("/admin/ingest", "/admin/sources", "/admin/snapshots", "/metrics")


@asynccontextmanager
async def serving(folder: Path, **settings: object) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder()
    long = SampleMovie("tt0000001", ("A long review. " * 300,), title="Long")
    SnapshotBuilder(SnapshotStore(folder / "snapshots"), encoder).publish([*MOVIES, long])
    async with running_query(query_settings(folder, **settings), always(encoder)) as running:
        await running.reload()
        yield running


async def test_without_settings_nothing_is_limited_or_shared(tmp_path: Path) -> None:
    async with serving(tmp_path) as query:
        headers = {"Origin": SITE, "Authorization": "Bearer anything"}
        answer = await query.client.get("/search?q=neon", headers=headers)
        assert answer.status_code == 200
        assert CORS not in answer.headers
        assert "RateLimit" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        refused = await query.client.options("/search", headers={"Origin": SITE})
        assert refused.status_code == 405


async def test_a_client_over_its_rate_waits(tmp_path: Path) -> None:
    async with serving(tmp_path, search_rate="3/minute") as query:
        first = await query.client.get("/search?q=neon")
        assert first.headers["RateLimit-Policy"] == '"address";q=3;w=60'
        assert first.headers["RateLimit"] == '"address";r=2;t=20'
        for path in GETS[:2]:
            assert (await query.client.get(path)).status_code == 200
        refused = await query.client.post("/search", json={"query": "neon"})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")
        assert 0 < int(refused.headers["Retry-After"]) <= 20
        assert refused.headers["RateLimit"].startswith('"address";r=0;')
        for path in ("/livez", "/readyz", "/metrics", "/snapshot", "/", "/docs", "/openapi.json"):
            assert (await query.client.get(path)).status_code == 200


async def test_a_batch_counts_each_of_its_searches(tmp_path: Path) -> None:
    async with serving(tmp_path, search_rate="10/minute") as query:
        batch = {"searches": [{"query": "neon"}] * 9}
        assert (await query.client.post("/search/batch", json=batch)).status_code == 200
        assert (await query.client.get("/facets")).headers["RateLimit"] == '"address";r=0;t=60'
        assert (await query.client.get("/facets")).status_code == 429


async def test_a_proxy_is_asked_for_many_clients(tmp_path: Path) -> None:
    settings = {"search_rate": "1/minute", "trusted_proxies": "127.0.0.1"}
    async with serving(tmp_path, **settings) as query:
        for client, status in (("198.51.100.1", 200), ("198.51.100.2", 200), ("198.51.100.1", 429)):
            headers = {"X-Forwarded-For": f"192.0.2.99, {client}"}
            answer = await query.client.get("/facets", headers=headers)
            assert answer.status_code == status, client


async def test_a_key_has_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, free = add_key(path, "site", Rate.parse("2/hour")), add_key(path, "partner")
    settings = {"search_keys_file": path, "search_rate": "1/minute"}
    async with serving(tmp_path, **settings) as query:

        async def ask(key: str | None) -> int:
            headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
            return (await query.client.get("/facets", headers=headers)).status_code

        assert [await ask(key) for _ in range(3)] == [200, 200, 429]
        assert [await ask(free) for _ in range(5)] == [200] * 5
        assert [await ask(None) for _ in range(2)] == [200, 429]
        assert await ask(f"{key}x") == 401


async def test_without_a_key_nothing_is_answered_where_one_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = add_key(path, "site")
    async with serving(tmp_path, search_keys_file=path, search_rate="0") as query:
        for path_and_query in GETS:
            refused = await query.client.get(path_and_query)
            assert (refused.status_code, refused.json()["code"]) == (401, "key-required")
            assert refused.headers["WWW-Authenticate"] == 'Bearer realm="search"'
            allowed = await query.client.get(
                path_and_query, headers={"Authorization": f"Bearer {key}"}
            )
            assert allowed.status_code in {200, 404}
        basic = await query.client.get("/facets", headers={"Authorization": f"Basic {key}"})
        assert basic.json()["code"] == "unknown-key"


async def test_only_listed_sites_may_read_and_none_the_admin_api(tmp_path: Path) -> None:
    settings = {"cors_origins": f"{SITE}, http://localhost:3000", "admin_token": TOKEN}
    async with serving(tmp_path, **settings) as query:
        for path in (*GETS, "/snapshot", "/openapi.json", "/movies/none"):
            answer = await query.client.get(path, headers={"Origin": SITE})
            assert answer.headers[CORS] == SITE
            assert "Origin" in answer.headers["Vary"]
            assert answer.headers.get_list("Cross-Origin-Resource-Policy") == ["cross-origin"]
            other = await query.client.get(path, headers={"Origin": "https://evil.example"})
            assert CORS not in other.headers
            assert "Origin" in other.headers["Vary"]
        for path in ADMIN:
            answer = await query.client.get(
                path, headers={"Origin": SITE, "Authorization": f"Bearer {TOKEN}"}
            )
            assert CORS not in answer.headers
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_preflights_are_answered_for_public_operations_only(tmp_path: Path) -> None:
    async with serving(tmp_path, cors_origins=SITE, search_rate="1/minute") as query:

        async def preflight(path: str, origin: str = SITE) -> tuple[int, str | None]:
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = await query.client.options(path, headers=headers)
            return answer.status_code, answer.headers.get("Access-Control-Allow-Methods")

        for _ in range(3):  # it counts for no rate
            assert await preflight("/search") == (204, "GET, HEAD, POST")
        assert await preflight("/search", "https://evil.example") == (204, None)
        assert (await preflight("/admin/ingest"))[0] == 405
        assert (await query.client.options("/search")).status_code == 405


async def test_every_site_may_read_where_all_are_allowed(tmp_path: Path) -> None:
    async with serving(tmp_path, cors_origins="*") as query:
        answer = await query.client.get("/facets", headers={"Origin": "https://any.example"})
        assert answer.headers[CORS] == "*"
        assert (await query.client.get("/admin/ingest")).headers.get(CORS) is None


async def test_answers_are_304_until_another_snapshot_is_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as query:
        for path in GETS[:-1]:
            first = await query.client.get(path)
            etag = first.headers["ETag"]
            assert first.headers["Cache-Control"] == "no-cache"
            for sent in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
                again = await query.client.get(path, headers={"If-None-Match": sent})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["ETag"] == etag
            other = await query.client.get(path, headers={"If-None-Match": f'{etag[:-1]}0"'})
            assert other.status_code == 200
            head = await query.client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["ETag"] == etag
        posted = await query.client.post(
            "/search", json={"query": "neon"}, headers={"If-None-Match": "*"}
        )
        assert posted.status_code == 200
        assert "ETag" not in posted.headers
        assert posted.headers["Cache-Control"] == "no-store"
        missing = await query.client.get("/movies/none")
        assert "ETag" not in missing.headers

        encoder = HashEncoder()
        SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish(MOVIES)
        await query.reload()
        changed = await query.client.get("/facets", headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != etag


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_large_answers_are_compressed_for_those_who_accept_it(
    tmp_path: Path, method: str
) -> None:
    async with serving(tmp_path) as query:

        async def ask(accepted: str) -> tuple[str | None, bytes]:
            request = {"query": "long", "evidence": 5} if method == "POST" else None
            path = "/search" if method == "POST" else "/movies/tt0000001"
            async with query.client.stream(
                method, path, headers={"Accept-Encoding": accepted}, json=request
            ) as answer:
                content = b"".join([part async for part in answer.aiter_raw()])
                assert int(answer.headers["Content-Length"]) == len(content)
                assert "Accept-Encoding" in answer.headers["Vary"]
                return answer.headers.get("Content-Encoding"), content

        encoding, content = await ask("gzip, br")
        assert encoding == "gzip"
        plain = await ask("identity")
        assert plain[0] is None
        assert len(content) < len(plain[1])
        assert gzip.decompress(content)[:20] == plain[1][:20]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SEARCH_RATE": "60"}, "SEARCH_RATE: .*NUMBER/second"),
        ({"SEARCH_RATE": "0"}, "SEARCH_RATE=0 needs keys"),
        ({"CORS_ORIGINS": "https://a.example/"}, "CORS_ORIGINS: .*without a path"),
        ({"CORS_ORIGINS": "a.example"}, "CORS_ORIGINS: .*origins"),
        ({"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES: .*networks"),
    ],
)
def test_a_wrong_setting_is_one_line(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MOVIE_SEARCH_{name}", value)
    with pytest.raises(SettingsInvalid, match=expected) as fault:
        load_settings(QuerySettings)
    assert "\n" not in str(fault.value)
