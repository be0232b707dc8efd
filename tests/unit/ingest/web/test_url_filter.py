"""Which URLs may be asked for, and what a robots.txt may cost."""

from __future__ import annotations

import pytest

from services.ingest.web.robots import MAX_ROBOTS_RULES, count_rules
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.url_filter import UrlFilter
from shared.runs.registry import Site

FILTER = UrlFilter(["films.example", "müller.example", "other.example:8080", "[2001:db8::1]:81"])


@pytest.mark.parametrize(
    "url",
    [
        "http://films.example/", "https://films.example/", "https://FILMS.example:443/x?y#z",
        "http://films.example:80", "https://xn--mller-kva.example/", "https://MÜLLER.example/",
        "http://other.example:8080/", "http://[2001:db8::1]:81/",
    ],
)  # fmt: skip
def test_the_sources_own_urls_may_pass(url: str) -> None:
    assert FILTER.refusal(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://films.example:8080/", "not a host"), ("http://www.films.example/", "not a host"),
        ("http://example/", "not a host"), ("http://films.example.evil.example/", "not a host"),
        ("http://films.example./", "not a host"), ("http://other.example/", "not a host"),
        ("http://127.0.0.1/", "not a host"), ("http://[::1]/", "not a host"),
        ("http:///films.example/", "not a host"), ("http://films.example@evil.example/", "user"),
        ("http://user@films.example/", "user"), ("http://:pass@films.example/", "user"),
        ("ftp://films.example/", "scheme"), ("file:///etc/passwd", "scheme"),
        ("data:text/html,x", "scheme"), ("//films.example/", "scheme"), ("/x", "scheme"),
        ("http://[films.example/", "invalid URL"), ("http://films.example:99999/", "port"),
        ("http://films.example:x/", "port"),
        ("http://films.example/" + "x" * 2048, "characters"),
    ],
)  # fmt: skip
def test_no_other_may(url: str, reason: str) -> None:
    refusal = FILTER.refusal(url)
    assert refusal is not None
    assert reason in refusal


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://films.example/x", "films.example"),
        ("https://films.example:443/", "films.example"),
        ("https://Films.example:80/", "films.example:80"), ("http://[::1]:81/", "[::1]:81"),
        ("http://films.example:99999/", "films.example"), ("nothing", ""),
    ],
)  # fmt: skip
def test_hosts_are_named_as_robots_apply(url: str, host: str) -> None:
    assert host_of(url) == host


class _Stats(dict[str, object]):
    """Stands for Scrapy's collector of stats."""

    def get_value(self, key: str, default: object = None) -> object:
        return self.get(key, default)

    def set_value(self, key: str, value: object) -> None:
        self[key] = value

    def inc_value(self, key: str) -> None:
        self[key] = int(str(self.get(key, 0))) + 1


def test_all_reports_of_a_crawl_are_one() -> None:
    stats = _Stats()
    one, other = SiteReport(stats), SiteReport(stats)  # type: ignore[arg-type]
    one.add("a", "requests", 2)
    other.add("a", "requests")
    one.set_robots("a", "obeyed", 2.0)
    one.note_delay("a", 3.0)
    other.note_delay("a", 1.0)
    one.add_unread("b", "failed", "first")
    other.add_unread("b", "failed", "second")
    sites = stats["sites"]
    assert isinstance(sites, dict)
    reports = {host: Site.model_validate(fields) for host, fields in sites.items()}
    assert reports == {
        "a": Site(requests=3, robots="obeyed", crawl_delay_s=2.0, delay_s=3.0),
        "b": Site(failed=2),
    }
    assert stats["web/unread"] == 2
    assert stats["fetch/first_fault"] == "first"


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        (["User-agent: a", "Disallow: /x", "Allow: /y"], 2),
        (["User-agent: a", "User-agent: b", "", "# c", "Disallow: /x", "Crawl-delay: 2"], 4),
        (["User-agent: a", "Disallow: /", "User-agent: b", "Disallow: /"], 2),
        (["USER AGENT a", "useragent: b", "Sitemap: https://a/", "User-agent c", "disalow /x"], 3),
        (["User-agent: a", "no rule", "User-agent: b", "Disallow: /x"], 2),
        (["Disallow: /x"], 0),
    ],
)
def test_rules_count_for_each_name_of_their_group(lines: list[str], rules: int) -> None:
    assert count_rules("\n".join(lines).encode()) == rules
    assert count_rules("\u2028".join(lines).encode()) == rules


def test_a_long_list_of_robots_is_not_taken_for_a_bomb() -> None:
    each = "".join(f"User-agent: bot{n}\nDisallow: /\n\n" for n in range(5_000))
    assert count_rules(each.encode()) == 5_000
    together = "".join(f"User-agent: bot{n}\n" for n in range(5_000)) + "Disallow: /\n"
    assert count_rules(together.encode()) == 5_000
    assert count_rules((together + "Disallow: /x\n" * 100).encode()) > MAX_ROBOTS_RULES
