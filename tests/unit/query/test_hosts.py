from __future__ import annotations

from typing import Any

import pytest

from services.query.http.hosts import AllowedHosts
from services.query.http.problems import Problem, Problems
from services.query.settings import QuerySettings


def scope(*hosts: str, version: str = "1.1", **others: Any) -> dict[str, Any]:
    headers = [(b"host", host.encode("latin-1")) for host in hosts]
    return {"headers": headers, "http_version": version, **others}


def refusal(hosts: AllowedHosts, request: dict[str, Any]) -> Problems | None:
    try:
        hosts.check(request)
    except Problem as problem:
        return problem.kind
    return None


ALWAYS = [
    "localhost", "LOCALHOST:8000", "localhost.", "movies.localhost", "127.0.0.1", "127.0.0.1:8000",
    "[::1]:8000", "192.168.1.20:8000", "[2001:db8::1]", "desk", "desk:8000", "desk.local",
]  # fmt: skip


@pytest.mark.parametrize("host", ALWAYS)
def test_names_that_no_other_site_can_have_are_allowed(host: str) -> None:
    assert refusal(AllowedHosts([], machine="desk"), scope(host)) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example",
     "desk.evil.example", "notlocalhost", "query", "127.1", "0x7f.1"],
)  # fmt: skip
def test_other_names_are_not(host: str) -> None:
    assert refusal(AllowedHosts([], machine="desk"), scope(host)) is Problems.HOST_NOT_ALLOWED


@pytest.mark.parametrize(
    "hosts",
    [(), ("localhost", "localhost"), ("localhost", "evil.example"), ("",), (":8000",), ("a b",),
     ("localhost:80:80",), ("user@localhost",), ("localhost/",), ("[::1",), ("localhost:port",),
     ("localh\xf6st",), ("localhost, evil.example",)],
)  # fmt: skip
def test_a_missing_second_or_malformed_host_is_invalid(hosts: tuple[str, ...]) -> None:
    assert refusal(AllowedHosts(["*"]), scope(*hosts)) is Problems.INVALID_HOST


def test_http_1_0_has_no_host() -> None:
    assert refusal(AllowedHosts([]), scope(version="1.0")) is None
    evil = scope("evil.example", version="1.0")
    assert refusal(AllowedHosts([]), evil) is Problems.HOST_NOT_ALLOWED


def test_the_host_of_an_absolute_target_counts() -> None:
    evil = scope("localhost", authority=b"evil.example:80")
    assert refusal(AllowedHosts([]), evil) is Problems.HOST_NOT_ALLOWED
    assert refusal(AllowedHosts([]), scope("evil.example", authority=b"localhost")) is None


def test_names_from_the_setting_are_allowed() -> None:
    settings = QuerySettings(allowed_hosts="Movies.example.org, *.films.example")
    hosts = AllowedHosts(settings.hosts())
    for allowed in ("movies.example.org:443", "a.films.example", "a.b.films.example."):
        assert refusal(hosts, scope(allowed)) is None
    for other in ("films.example", "notfilms.example", "example.org", "a.movies.example.org"):
        assert refusal(hosts, scope(other)) is Problems.HOST_NOT_ALLOWED
    assert refusal(AllowedHosts(["*"]), scope("anything.example")) is None


@pytest.mark.parametrize(
    "listed", ["https://movies.example.org", "movies.example.org:443", "a b", "*x", "a,*.", "a/b"]
)
def test_a_setting_that_lists_no_names_is_refused(listed: str) -> None:
    with pytest.raises(ValueError, match="must be names separated by commas"):
        QuerySettings(allowed_hosts=listed)


def test_the_name_that_the_service_is_bound_to_is_allowed() -> None:
    hosts = AllowedHosts(QuerySettings(host="intranet.example").hosts(), machine="desk")
    assert refusal(hosts, scope("intranet.example:8000")) is None
