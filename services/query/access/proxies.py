"""Who the client is when requests come through proxies: ``X-Forwarded-For``, from trusted ones.

Each proxy appends the address that it was asked from. So the list is read from its end, and the
first address that is no trusted proxy is the client: what the client itself has sent is before it.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The proxies whose word is taken."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Trust these addresses and networks, such as ``10.0.0.0/8``."""
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(network, strict=False) for network in networks
        ]

    def note_client(self, scope: MutableMapping[str, Any]) -> None:
        """Replace the client of a request that a trusted proxy has passed on."""
        peer = scope.get("client")
        if not self._networks or not peer or not self._trusts(_parse(peer[0])):
            return
        lists = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        client = None
        for item in reversed(b",".join(lists).decode("latin-1").split(",")):
            address = _parse(_without_port(item.strip()))
            if address is None:
                break  # what is before it cannot be trusted
            client = address
            if not self._trusts(address):
                break
        if client is not None:
            scope["client"] = (str(client), 0)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(item: str) -> str:
    """An address as some proxies write it: ``192.0.2.1:4711``, ``[2001:db8::1]:4711``."""
    if item.startswith("["):
        return item[1:].partition("]")[0]
    return item.partition(":")[0] if item.count(":") == 1 else item
