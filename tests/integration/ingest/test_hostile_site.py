"""A site that means ill meets the real crawl: bounded, polite, counted, and the good pages arrive.

Every crawl is the child process that the supervisor starts, with a real Redis; what a page did is
seen from outside: the site's own book of what it was asked, the run's record, the stream, and the
child's peak of memory.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.context import MAX_PAGE_BYTES
from shared.runs.registry import Site
from tests.support.crawl.hostile_crawl import (
    MIB,
    REAL,
    WITH_NAMES,
    Crawled,
    crawl_site,
    end_as_searchable,
)
from tests.support.crawl.hostile_site import (
    Answer,
    Asked,
    HostileSite,
    Route,
    answer,
    brotli_bomb,
    chunked,
    deflate_bomb,
    hostile_site,
    index,
    movie_page,
    stream,
    twice_packed_bomb,
    zstd_bomb,
)
from tests.support.delivery.redis_server import RedisServer, redis_server

GIB = 2**30
# The crawler alone takes some 150 MiB; a page at its limit, unpacked and parsed, the rest.
MOST_BYTES = 270 * MIB
# What may be on its way in sockets when a page is cut off.
IN_FLIGHT = 8 * MIB

Crawl = Callable[..., Crawled]


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawl]:
    """Crawls with given fields of the source; loopback is allowed if the module is the real one."""
    numbers = itertools.count()
    with redis_server() as server:

        def run(module: str = REAL, names: Mapping[str, str] = {}, **fields: Any) -> Crawled:
            number = next(numbers)
            environment = {
                "HOSTILE_NAMES": " ".join(f"{name}={address}" for name, address in names.items()),
                "HOSTILE_ALLOWED": " ".join(fields.pop("allowed", ())),
                "HOSTILE_PAGE_TIMEOUT_S": str(fields.pop("page_timeout_s", "")),
            }
            fields = {"delay_s": 0.01, "allow_private": module == REAL, **fields}
            return crawl_site(
                tmp_path_factory.mktemp("crawl"),
                server.url,
                fields,
                name=f"site{number}",
                module=module,
                environment=environment,
            )

        yield run


def _robots(*lines: str) -> Route:
    return lambda _: answer("\n".join(["User-agent: *", *lines]), kind="text/plain")


def _page(body: str | bytes, **options: Any) -> Route:
    return lambda _: answer(body, **options)


def _redirect(target: str, status: int = 302) -> Route:
    return lambda _: answer("", status=status, Location=target)


def _sitemap(*urls: str) -> bytes:
    return f"<urlset>{''.join(f'<url><loc>{url}</loc></url>' for url in urls)}</urlset>".encode()


# Pages that are rough in themselves ---------------------------------------------------------------


def _growing(asked: Asked) -> Answer:
    return answer("", status=302, Location=asked.target + "x")


def _endless(piece: bytes) -> Iterator[bytes]:
    return itertools.repeat(piece)


def _announced(_: Asked) -> Answer:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % GIB
    yield from itertools.repeat(b"x" * 65536, GIB // 65536)


def _headers_without_end(_: Asked) -> Answer:
    yield b"HTTP/1.1 200 OK\r\n"
    yield from (b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in itertools.count())


def _interim_without_end(_: Asked) -> Answer:
    return itertools.repeat(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")


def _wait_until_gone(asked: Asked) -> Answer:
    """Say nothing at all, for longer than anybody waits."""
    asked.gone.wait(20)
    return ()


def _drip(asked: Asked) -> Answer:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"
    while not asked.gone.wait(0.05):
        yield b" "


_LAUGHS = '<!DOCTYPE html [<!ENTITY a0 "aaaaaaaaaa">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
) + "]>"  # fmt: skip

_BROKEN_JSON_LD = (
    '<script type="application/ld+json">{"@type": "Movie", "name": </script>'
    '<script type="application/ld+json">' + '{"a":' * 20_000 + "</script>"
    '<script type="application/ld+json">' + "[" * 100_000 + "</script>"
)
_BROKEN_HTML = "<div>" * 30_000 + "<table><tr><td></b></i><!-- " + "\x00\x01<" + "<a href='"

ROUGH: Mapping[str, Route] = {
    "/robots.txt": _robots("Disallow: /private"),
    "/private/1": _page(movie_page(99)),
    "/loop-a": _redirect("/loop-b"),
    "/loop-b": _redirect("/loop-a"),
    "/growing*": _growing,
    "/to-file": _redirect("file:///etc/passwd"),
    "/to-elsewhere": _redirect("http://169.254.169.254/latest/meta-data/"),
    "/with-password": _redirect("http://user:secret@127.0.0.1/"),
    "/to-no-url": _redirect("http://[broken/"),
    "/gib-chunked": lambda _: chunked(_endless(b"x" * 65536)),
    "/gib-announced": _announced,
    "/gib-to-the-close": lambda _: stream(_endless(b"x" * 65536)),
    "/bomb-gzip": _page(deflate_bomb(GIB), Content_Encoding="gzip"),
    "/bomb-deflate": _page(deflate_bomb(GIB, wbits=15), Content_Encoding="deflate"),
    "/bomb-raw-deflate": _page(deflate_bomb(GIB, wbits=-15), Content_Encoding="deflate"),
    "/bomb-br": _page(brotli_bomb(256 * MIB), Content_Encoding="br"),
    "/bomb-zstd": _page(zstd_bomb(GIB), Content_Encoding="zstd"),
    "/bomb-twice": _page(twice_packed_bomb(GIB), Content_Encoding="gzip, gzip"),
    "/bomb-many": _page(gzip.compress(b"x"), Content_Encoding=", ".join(["gzip"] * 50)),
    "/not-packed": _page(movie_page(98), Content_Encoding="gzip"),
    "/packed-unknown": _page(movie_page(97), Content_Encoding="aes128gcm"),
    "/bomb.xml.gz": _page(deflate_bomb(GIB), kind="application/gzip"),
    "/laughs.xml": _page(
        _LAUGHS + "<urlset><url><loc>http://127.0.0.1/&a11;</loc></url></urlset>",
        kind="application/xml",
    ),
    "/tags": _page("<html><body>" + "<b>" * (MAX_PAGE_BYTES // 3 - 10)),
    "/headers": _headers_without_end,
    "/interim": _interim_without_end,
    "/cut-off": lambda _: [*itertools.islice(_announced(Asked("", "", {}, 0)), 2)],
    # Unusual but valid pages: their movies must be read.
    "/laughs": _page(_LAUGHS + movie_page(1, extra="&a11;")),
    "/json-ld": _page(movie_page(2).replace("</head>", _BROKEN_JSON_LD + "</head>")),
    "/html": _page(movie_page(3, extra=_BROKEN_HTML)),
    "/charset": _page(
        movie_page(4, text="Déjà vu, naïve and fine.").encode("latin-1", "replace"),
        kind="text/html; charset=no-such-charset",
    ),
    "/in-latin": _page(
        movie_page(5).replace("quiet", "café-going").encode("latin-1"),
        kind="text/html; charset=latin-1",
    ),
    "/links": _page(
        movie_page(
            6,
            links=(
                "http://127.0.0.1:1/", "http://2130706433:{port}/secret", "http://0x7f.1/secret",
                "http://[::1]/secret", "http://[::ffff:127.0.0.1]/secret", "http://0177.0.0.1/",
                "http://169.254.169.254/latest/", "http://0/secret", "javascript:void(0)",
                "file:///etc/passwd", "http://user:secret@127.0.0.1/", "http://127.0.0.1:99999/",
                "http://[broken/", "//127.0.0.1:1/secret", "\\\\127.0.0.1\\secret", "/private/1",
            ),
        )
    ),
    "/last": _page(movie_page(7)),
    "/bomb.xml": _page(_sitemap(*["x"]), kind="application/xml"),
}  # fmt: skip


@pytest.fixture(scope="module")
def rough(crawl: Crawl) -> Iterator[tuple[HostileSite, Crawled]]:
    """One crawl over all of them."""
    hidden = {"/robots.txt", "/private/1", "/loop-b"}
    pages = [path.rstrip("*") for path in ROUGH if path not in hidden]
    with hostile_site({**ROUGH, "/": _page(index(*pages))}) as site:
        yield site, crawl(start_urls=[site.url()])


def _site_of(crawled: Crawled) -> Site:
    (report,) = crawled.run.sites.values()
    return report


def test_rough_pages_are_not_fatal(rough: tuple[HostileSite, Crawled]) -> None:
    site, crawled = rough
    assert crawled.outcome.error is None, crawled.log
    assert crawled.movies == {1, 2, 3, 4, 5, 6, 7}
    assert len(crawled.sent["review"]) == 7
    assert "A café-going film about subject 5, and worth an evening." in crawled.texts
    for path in ROUGH:
        assert site.of(path.rstrip("*")) or path == "/private/1", path


def test_memory_stays_bounded(rough: tuple[HostileSite, Crawled]) -> None:
    _, crawled = rough
    assert 20 * MIB < crawled.peak_bytes < MOST_BYTES, crawled.peak_bytes / MIB


@pytest.mark.parametrize("path", ["/gib-chunked", "/gib-to-the-close", "/gib-announced"])
def test_an_endless_page_is_cut_off(rough: tuple[HostileSite, Crawled], path: str) -> None:
    site, _ = rough
    (asked,) = site.of(path)
    assert asked.sent_bytes < MAX_PAGE_BYTES + IN_FLIGHT


@pytest.mark.parametrize("path", ["/headers", "/interim"])
def test_headers_without_end_are_cut_off(rough: tuple[HostileSite, Crawled], path: str) -> None:
    site, _ = rough
    assert 1 <= len(site.of(path)) <= 3
    assert all(asked.sent_bytes < IN_FLIGHT for asked in site.of(path))


def test_redirects_end(rough: tuple[HostileSite, Crawled]) -> None:
    site, _ = rough
    assert len([path for path in site.paths() if path.startswith("/growing")]) == 6
    assert len(site.of("/loop-a")) == len(site.of("/loop-b")) == 1


def test_what_is_not_ours_is_not_asked_for(rough: tuple[HostileSite, Crawled]) -> None:
    site, _ = rough
    assert not site.of("/secret")
    assert not site.of("/private/1")
    assert site.paths().count("/robots.txt") == 1


def test_everything_is_counted(rough: tuple[HostileSite, Crawled]) -> None:
    site, crawled = rough
    counts = _site_of(crawled)
    assert counts.robots == "obeyed"
    assert counts.requests == len(site.paths())
    assert counts.forbidden == 1
    # Bombs, packings that cannot be unpacked, a page of tags; redirects to elsewhere.
    assert counts.refused == 6 + 3 + 1 + 4
    # Endless pages, headers and hops, a loop, a page cut off.
    assert counts.failed == 3 + 2 + 2 + 1
    assert MAX_PAGE_BYTES < counts.received_bytes < 12 * MAX_PAGE_BYTES


def test_a_crawl_that_missed_pages_is_not_complete(rough: tuple[HostileSite, Crawled]) -> None:
    _, crawled = rough
    assert len(crawled.sent["run_end"]) == 1
    assert crawled.complete is False


# Hosts with ways of their own ---------------------------------------------------------------------

_HOSTS = ("good", "r500", "rhang", "rhuge", "rbomb", "rgroups", "rloop", "slow", "asleep", "busy",
          "later", "drips", "rbusy")  # fmt: skip


class _Busy:
    """429 for the first requests, then fine; ``Retry-After`` as given."""

    def __init__(self, status: int, times: int, after: Callable[[], str], body: str) -> None:
        self._status, self._left, self._after, self._body = status, times, after, body

    def __call__(self, _: Asked) -> Answer:
        if self._left:
            self._left -= 1
            return answer("later", self._status, Retry_After=self._after())
        return answer(self._body)


def _in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


def _many_names_many_rules() -> str:
    names = "".join(f"User-agent: bot{n}\n" for n in range(10_000))
    return names + "".join(f"Disallow: /{n}\n" for n in range(20_000))


@pytest.fixture(scope="module")
def hosts(crawl: Crawl) -> Iterator[tuple[HostileSite, Crawled]]:
    """One crawl of many hosts, each in its own way."""
    routes: dict[str, Route] = {
        f"{name}.test/": _page(movie_page(n)) for n, name in enumerate(_HOSTS)
    }
    routes |= {
        "r500.test/robots.txt": _page("oops", status=500),
        "rhang.test/robots.txt": _wait_until_gone,
        "rhuge.test/robots.txt": lambda _: stream(_endless(b"Disallow: /x\n" * 5000)),
        "rbomb.test/robots.txt": _page(deflate_bomb(GIB), Content_Encoding="gzip"),
        "rgroups.test/robots.txt": _page(_many_names_many_rules(), kind="text/plain"),
        "rloop.test/robots.txt": _redirect("http://good.test/robots.txt"),
        "rbusy.test/robots.txt": _Busy(429, 1, lambda: "1", "User-agent: *\nDisallow: /x"),
        "slow.test/robots.txt": _robots("Crawl-delay: 1.5"),
        "slow.test/": _page(movie_page(7, links=["/2"])),
        "slow.test/2": _page(movie_page(102)),
        "asleep.test/robots.txt": _robots("Crawl-delay: 301"),
        "busy.test/": _Busy(429, 2, lambda: "1", movie_page(9, links=["/2"])),
        "busy.test/2": _page(movie_page(109)),
        "later.test/": _Busy(503, 1, _in_two_seconds, movie_page(10)),
        "drips.test/": _page(movie_page(11, links=["/drip"])),
        "drips.test/drip": _drip,
    }
    names = {f"{name}.test": "127.0.0.1" for name in _HOSTS}
    with hostile_site(routes) as site:
        urls = [site.url(name) for name in names]
        yield (
            site,
            crawl(WITH_NAMES, names, start_urls=urls, allowed=tuple(names), page_timeout_s=3),
        )


def _at(site: HostileSite, path: str, host: str) -> list[float]:
    return [asked.at for asked in site.of(path, host)]


def _host(hosts: tuple[HostileSite, Crawled], name: str) -> Site:
    site, crawled = hosts
    return crawled.run.sites[f"{name}.test:{site.port}"]


def test_a_host_in_trouble_leaves_the_others_alone(hosts: tuple[HostileSite, Crawled]) -> None:
    _, crawled = hosts
    assert crawled.outcome.error is None, crawled.log
    assert crawled.movies == {0, 7, 102, 9, 109, 10, 11, 12}
    assert crawled.complete is False
    assert crawled.peak_bytes < MOST_BYTES


@pytest.mark.parametrize("name", ["r500", "rhang", "rhuge", "rbomb", "rgroups", "rloop"])
def test_robots_that_cannot_be_had_forbid(hosts: tuple[HostileSite, Crawled], name: str) -> None:
    site, _ = hosts
    host = _host(hosts, name)
    assert host.robots == "unreachable"
    assert host.forbidden == 1
    assert set(site.paths(f"{name}.test")) == {"/robots.txt"}
    assert all(asked.sent_bytes < MAX_PAGE_BYTES + IN_FLIGHT for asked in site.asked)


def test_a_crawl_delay_is_kept(hosts: tuple[HostileSite, Crawled]) -> None:
    site, _ = hosts
    (robots,), (first,), (second,) = (
        _at(site, path, "slow.test") for path in ("/robots.txt", "/", "/2")
    )
    assert first - robots > 1.0  # when they arrived; they were sent 1.5 s apart
    assert second - first > 1.0
    host = _host(hosts, "slow")
    assert (host.robots, host.crawl_delay_s) == ("obeyed", 1.5)
    assert host.delay_s >= 1.5
    assert _host(hosts, "good").delay_s < 1


def test_a_crawl_delay_beyond_reason_is_a_no(hosts: tuple[HostileSite, Crawled]) -> None:
    site, crawled = hosts
    assert site.paths("asleep.test") == ["/robots.txt"]
    host = _host(hosts, "asleep")
    assert (host.robots, host.crawl_delay_s, host.forbidden) == ("obeyed", 301, 1)
    assert "crawl delay too long" in crawled.log


def test_a_busy_host_is_given_the_time_it_asks_for(hosts: tuple[HostileSite, Crawled]) -> None:
    site, _ = hosts
    first, second, third = _at(site, "/", "busy.test")
    assert second - first > 0.95
    assert third - second > 0.95
    host = _host(hosts, "busy")
    assert (host.retry_after, host.failed) == (2, 0)
    # Nothing else was asked of it meanwhile.
    assert site.paths("busy.test") == ["/robots.txt", "/", "/", "/", "/2"]
    later = _at(site, "/", "later.test")
    assert later[1] - later[0] > 0.95  # a date has whole seconds
    assert _host(hosts, "later").retry_after == 1
    assert len(site.of("/robots.txt", "rbusy.test")) == 2
    assert _host(hosts, "rbusy").robots == "obeyed"


def test_a_page_in_drips_is_cut_off(hosts: tuple[HostileSite, Crawled]) -> None:
    site, _ = hosts
    assert 1 <= len(site.of("/drip")) <= 3
    assert all(asked.sent_bytes < 1000 for asked in site.of("/drip"))
    assert _host(hosts, "drips").failed == 1


# Addresses ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def addressed(crawl: Crawl) -> Iterator[tuple[HostileSite, HostileSite, Crawled]]:
    """A "public" site that leads to private ones, which the source even lists; and those."""
    with hostile_site({"/*": _page(movie_page(666))}) as secret:
        inner = [
            secret.url(host)
            for host in (
                "127.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.1",
                "0.0.0.0", "0", "[::1]",  # noqa: S104
                "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost",
                "inner.test", "mixed.test",
            )
        ]  # fmt: skip
        metadata = ["http://169.254.169.254/latest/meta-data/", "http://0xA9FEA9FE/latest/"]
        routes = {
            "/": _page(movie_page(1, links=[*inner, *metadata, "/redirect/0", "/2"])),
            "/2": _page(movie_page(2)),
            **{
                f"/redirect/{n}": _page(
                    movie_page(100 + n, links=[f"/redirect/{n + 1}", f"/to/{n}"])
                )
                for n in range(len(inner))
            },
            **{f"/to/{n}": _redirect(url + "redirected") for n, url in enumerate(inner)},
        }
        names = {
            "public.test": "127.0.0.1",
            "inner.test": "127.0.0.1",
            "mixed.test": "93.184.215.14+127.0.0.1",
        }
        with hostile_site(routes) as site:
            urls = [site.url("public.test"), *inner, *metadata]
            yield (
                site,
                secret,
                crawl(WITH_NAMES, names, start_urls=urls, allowed=["public.test"]),
            )


def test_no_private_address_is_connected_to(
    addressed: tuple[HostileSite, HostileSite, Crawled],
) -> None:
    site, secret, crawled = addressed
    assert secret.paths() == []
    assert crawled.outcome.error is None, crawled.log
    assert {1, 2, 100} <= crawled.movies
    assert 666 not in crawled.movies
    assert len([path for path in site.paths() if path.startswith("/to/")]) == 14
    for name in ("127.0.0.1", "2130706433", "0x7f.1", "[::1]", "inner.test", "mixed.test"):
        counts = crawled.run.sites[f"{name}:{secret.port}"]
        # As a start, as a link and as a redirect.
        assert (counts.robots, counts.received_bytes) == ("not asked", 0), name
        assert counts.refused >= 2, name
    assert crawled.run.sites["169.254.169.254"].refused >= 1


# Conditions ---------------------------------------------------------------------------------------


def test_conditions_survive_a_pause_and_end_at_a_redirect(
    tmp_path: Path, private_redis: RedisServer
) -> None:
    def tagged(number: int) -> Route:
        def route(asked: Asked) -> Answer:
            if asked.headers.get("if-none-match") == f'"{number}"':
                return answer("", 304, ETag=f'"{number}"')
            return answer(movie_page(number, links=["/old", "/busy"]), ETag=f'"{number}"')

        return route

    busy, is_busy = tagged(2), [False, True]

    def sometimes(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") and is_busy.pop():
            return answer("later", 503, Retry_After="0")
        return busy(asked)

    routes = {
        "/": tagged(1),
        "/busy": sometimes,
        "/old": _redirect("/new"),
        "/new": tagged(3),
    }
    with hostile_site(routes) as site:
        fields = {"start_urls": [site.url()], "allow_private": True, "delay_s": 0.01}
        first = crawl_site(tmp_path, private_redis.url, fields)
        assert first.movies == {1, 2, 3}, first.log
        end_as_searchable(private_redis.url, first.run)
        second = crawl_site(tmp_path, private_redis.url, fields)
    assert second.outcome.error is None, second.log
    assert _site_of(second).not_modified == 2
    assert _site_of(second).retry_after == 1
    assert second.movies == {3}
    assert [asked.headers.get("if-none-match") for asked in site.of("/busy")] == [
        None,
        '"2"',
        '"2"',
    ]
    assert [asked.headers.get("if-none-match") for asked in site.of("/new")] == [None, None]
    assert site.of("/old")[1].headers.get("if-none-match") == '"3"'


# Limits -------------------------------------------------------------------------------------------


def _calendar(asked: Asked) -> Answer:
    day = int(asked.target.rpartition("/")[2] or 0)
    body = movie_page(day, links=[f"/day/{day + 1}", f"/day/{day + 2}"])
    return answer(body)


def test_a_calendar_without_end_ends_by_pages(crawl: Crawl) -> None:
    with hostile_site({"/day/*": _calendar}) as site:
        crawled = crawl(start_urls=[site.url(path="/day/0")], max_pages=40)
    assert crawled.outcome.error is None, crawled.log
    assert 40 <= len(site.paths()) <= 43
    assert 38 <= len(crawled.movies) <= 41
    assert crawled.complete is False


def test_a_calendar_without_end_ends_by_depth(crawl: Crawl) -> None:
    with hostile_site({"/day/*": _calendar}) as site:
        crawled = crawl(start_urls=[site.url(path="/day/0")], max_depth=20)
    assert crawled.outcome.error is None, crawled.log
    assert crawled.movies == set(range(41))
    assert crawled.complete is False


def test_a_crawl_ends_by_bytes(crawl: Crawl) -> None:
    def heavy(asked: Asked) -> Answer:
        day = int(asked.target.rpartition("/")[2])
        return answer(movie_page(day, links=[f"/day/{day + 1}"], extra="x" * MIB))

    with hostile_site({"/day/*": heavy}) as site:
        crawled = crawl(start_urls=[site.url(path="/day/0")], max_bytes=5 * MIB)
    assert crawled.outcome.error is None, crawled.log
    assert len(site.of("/day/4")) == 1
    assert not site.of("/day/6")
    assert 5 * MIB < _site_of(crawled).received_bytes < 6 * MIB
    assert crawled.complete is False


def test_a_crawl_ends_by_bytes_that_are_unpacked(crawl: Crawl) -> None:
    def packed(asked: Asked) -> Answer:
        day = int(asked.target.rpartition("/")[2])
        body = movie_page(day, links=[f"/day/{day + 1}"], extra="x" * MIB)
        return answer(gzip.compress(body.encode(), 1), Content_Encoding="gzip")

    with hostile_site({"/day/*": packed}) as site:
        crawled = crawl(start_urls=[site.url(path="/day/0")], max_bytes=5 * MIB)
    assert crawled.outcome.error is None, crawled.log
    assert len(site.of("/day/4")) == 1
    assert not site.of("/day/6")
    assert _site_of(crawled).received_bytes < MIB


def test_made_up_links_do_not_fill_the_memory(crawl: Crawl) -> None:
    def sitemap(asked: Asked) -> Answer:
        number = asked.target.rpartition("/")[2]
        urls = (f"http://{asked.host}/p/{number}-{n}-{'x' * 1400}" for n in range(3_400))
        return answer(_sitemap(*urls), kind="application/xml")

    start = movie_page(0, links=(f"/s/{n}" for n in range(2)))
    with hostile_site({"/": _page(start), "/s/*": sitemap, "/p/*": _page(movie_page(1))}) as site:
        crawled = crawl(start_urls=[site.url()], max_pages=20)
    assert crawled.outcome.error is None, crawled.log
    assert 20 <= len(site.paths()) <= 22
    assert len([path for path in site.paths() if path.startswith("/s/")]) == 2
    assert "too many links, further ones dropped" in crawled.log
    assert crawled.peak_bytes < MOST_BYTES, crawled.peak_bytes / MIB
    assert crawled.complete is False


def test_a_crawl_in_a_pause_ends_when_its_time_is_over(crawl: Crawl) -> None:
    routes = {
        "/": _page(movie_page(1, links=["/2"])),
        "/2": _page("later", status=503, Retry_After="100"),
    }
    with hostile_site(routes) as site:
        crawled = crawl(start_urls=[site.url()], time_limit="3s")
    assert crawled.took_s < 80  # not the pause of 100 s
    assert "time limit" in str(crawled.outcome.error)
    assert len(site.of("/2")) == 1


# Blocks -------------------------------------------------------------------------------------------


_CHALLENGE = "<html><title>Just a moment...</title><body><div id=cf-turnstile></div></body></html>"
_LINKS = [f"/film/{n}" for n in range(20)]


def _only_at_first(asked: Asked) -> Answer:
    number = int(asked.target.rpartition("/")[2])
    return answer(movie_page(number)) if number < 3 else answer("no", 403)


BLOCKS: Mapping[str, tuple[Mapping[str, Route], str, int, int]] = {
    # routes, a part of the rule, number of requests, number of movies that arrived
    "403 at once": ({"/": _page("no", status=403)}, "first page with status 403", 2, 0),
    "403 in a row": (
        {"/": _page(index(*_LINKS)), "/film/*": _only_at_first},
        "5 pages in a row with status 403", 10, 3,
    ),
    "empty 202": (
        {"/": _page("", status=202), "/robots.txt": _robots()},
        "first page with status 202", 2, 0,
    ),
    "empty 200": (
        {"/": _page(index(*_LINKS)), "/film/*": _page(" ")}, "5 pages in a row with status 200",
        7, 0,
    ),
    "challenge with 200": (
        {"/": _page(movie_page(1, links=["/2", "/3"])), "/2": _page(_CHALLENGE)},
        "challenge page, marker 'just a moment...'", 3, 1,
    ),
    "challenge by header": (
        {"/": _page(movie_page(1, links=["/2", "/3"])),
         "/2": _page(index("/x"), status=403, cf_mitigated="challenge")},
        "challenge page, header cf-mitigated", 3, 1,
    ),
    "429 without end": (
        {"/": _page(movie_page(1, links=["/2", "/3"])),
         "/2": _page("later", status=429, Retry_After="0"),
         "/3": _page("later", status=429, Retry_After="0")},
        "5 times in a row to wait", 7, 1,
    ),
    "429 for too long": (
        {"/": _page(movie_page(1, links=["/2", "/3"])),
         "/2": _page("later", status=429, Retry_After="86400")},
        "asked to wait for 86400 s", 3, 1,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def blocked(crawl: Crawl) -> dict[str, tuple[HostileSite, Crawled]]:
    """A crawl of each, two at a time."""

    def one(routes: Mapping[str, Route]) -> tuple[HostileSite, Crawled]:
        with hostile_site(routes) as site:
            return site, crawl(start_urls=[site.url()])

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(one, [routes for routes, *_ in BLOCKS.values()])
        return dict(zip(BLOCKS, results, strict=True))


@pytest.mark.parametrize("case", BLOCKS)
def test_a_block_ends_the_crawl(blocked: dict[str, tuple[HostileSite, Crawled]], case: str) -> None:
    _, rule, requests, movies = BLOCKS[case]
    site, crawled = blocked[case]
    error = str(crawled.outcome.error)
    assert rule in error.lower()
    assert f"127.0.0.1:{site.port} blocks the crawl" in error
    assert "operator" in error
    assert not crawled.outcome.again
    assert crawled.complete is None
    assert len(site.paths()) == requests, site.paths()
    assert len(crawled.movies) == movies
    assert {asked.headers["user-agent"] for asked in site.asked} == {
        site.asked[0].headers["user-agent"]
    }
