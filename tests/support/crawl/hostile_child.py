"""The real crawl with another resolver: ``python -m tests.support.crawl.hostile_child``.

Everything else is the production code, started by its ``main``. The resolver knows the names in
``HOSTILE_NAMES`` (``name=address[+address]``, separated by spaces), and allows any address for
those in ``HOSTILE_ALLOWED``, as if loopback were the public internet for them.
``HOSTILE_PAGE_TIMEOUT_S`` is the time limit of a page. The production code has no such switches.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from twisted.internet._resolver import HostResolution
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

from services.ingest.crawl import __main__ as crawl
from services.ingest.crawl import scrapy_settings
from services.ingest.web.addresses import PublicResolver


class _Table:
    """Resolves the names of the table, and passes other names on."""

    def __init__(self, beyond: Any) -> None:
        self._beyond = beyond
        entries = os.environ.get("HOSTILE_NAMES", "").split()
        self._table = {
            name: addresses.split("+")
            for name, _, addresses in (entry.partition("=") for entry in entries)
        }

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        receiver: Any,
        name: str,
        port: int = 0,
        types: Sequence[type[IAddress]] | None = None,
        semantics: Any = "TCP",
    ) -> Any:
        if name not in self._table:
            return self._beyond.resolveHostName(receiver, name, port, types, semantics)
        resolution: Any = HostResolution(name)
        receiver.resolutionBegan(resolution)
        for address in self._table[name]:
            kind = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(kind("TCP", address, port))
        receiver.resolutionComplete()
        return resolution


class HostileResolver(PublicResolver):
    """The production resolver over the table, with an allow-list."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self._system = _Table(self._system)
        self._allowed = set(os.environ.get("HOSTILE_ALLOWED", "").split())

    def allows(self, host: str, address: str) -> bool:
        return host in self._allowed or super().allows(host, address)


def main() -> int:
    """Install the resolver, and crawl."""
    scrapy_settings.PUBLIC_RESOLVER = f"{__spec__.name}.{HostileResolver.__name__}"
    if timeout_s := os.environ.get("HOSTILE_PAGE_TIMEOUT_S"):
        scrapy_settings.PAGE_TIMEOUT_S = float(timeout_s)
    return crawl.main()


if __name__ == "__main__":
    sys.exit(main())
