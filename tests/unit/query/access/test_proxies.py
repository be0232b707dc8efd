"""Who the client is behind proxies, and that a client cannot choose to be another one."""

from __future__ import annotations

from typing import Any

import pytest

from services.query.access.proxies import TrustedProxies


def client(peer: str, *forwarded: str, trusted: str = "10.0.0.0/8,::1") -> str:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: dict[str, Any] = {"client": (peer, 4711), "headers": headers}
    TrustedProxies(trusted.split(",") if trusted else []).note_client(scope)
    return str(scope["client"][0])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("1.1.1.1, 203.0.113.7",), "203.0.113.7"),  # the first one is the client's
        ("10.0.0.1", ("1.1.1.1", "203.0.113.7"), "203.0.113.7"),
        ("10.0.0.1", ("203.0.113.7, 10.0.0.2",), "203.0.113.7"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("203.0.113.7:555",), "203.0.113.7"),
        ("10.0.0.1", ("[2001:db8::1]:555",), "2001:db8::1"),
        ("10.0.0.1", ("1.1.1.1, x\xff",), "10.0.0.1"),
        ("10.0.0.1", ("1.1.1.1, unknown, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("::1", ("2001:db8::1",), "2001:db8::1"),
        ("::ffff:10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        ("203.0.113.9", ("1.1.1.1",), "203.0.113.9"),  # no proxy: its word counts nothing
    ],
)
def test_the_client(peer: str, forwarded: tuple[str, ...], expected: str) -> None:
    assert client(peer, *forwarded) == expected


def test_without_trusted_proxies_the_header_is_not_read() -> None:
    assert client("127.0.0.1", "1.1.1.1", trusted="") == "127.0.0.1"
