"""What counts as one client: an address, or for IPv6 a /64, all of which one client can use."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

_NETWORK_BITS = 64


@lru_cache(maxsize=4096)
def client_at(address: str) -> str:
    """Return the client at an address."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a client of a Unix socket has no address
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{int(parsed) >> (128 - _NETWORK_BITS):x}::/{_NETWORK_BITS}"
    return str(parsed)


def client_of(scope: MutableMapping[str, Any]) -> str:
    """Return the client of a request."""
    address = scope.get("client")
    return client_at(address[0]) if address else ""
