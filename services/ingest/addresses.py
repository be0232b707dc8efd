"""Which addresses the crawler connects to: only public ones, unless the source says otherwise.

The check sits in the resolver that the reactor uses, on the very addresses that are connected to.
So it holds for start URLs, links and redirects alike, for literals in any notation that the
system understands (``2130706433``, ``0x7f.1``), and for a name that answers differently the
second time. Scrapy names the class in its settings (``TWISTED_DNS_RESOLVER``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from zope.interface import implementer  # type: ignore[import-untyped]

from shared.telemetry import get_logger

if TYPE_CHECKING:
    from twisted.internet.base import ReactorBase

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also behind IPv6 wrappings of IPv4."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is None and ip.teredo is not None:
            inner = ip.teredo[1]
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@implementer(IResolutionReceiver)
class _PublicOnly:
    """Passes on what the system resolved, less the addresses that are not public."""

    def __init__(self, receiver: Any, host: str, refused: set[str]) -> None:
        self._receiver = receiver
        self._host = host
        self._refused = refused

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802 - Twisted's name
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        ip = str(getattr(address, "host", ""))
        if is_public(ip):
            self._receiver.addressResolved(address)
            return
        if self._host not in self._refused:
            get_logger().warning("address refused", host=self._host, address=ip)
        self._refused.add(self._host)

    def resolutionComplete(self) -> None:  # noqa: N802
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class PublicResolver:
    """The system's resolver without private, loopback, link-local and other special addresses.

    ``refused`` holds the hosts that had such an address, for the middleware that says so.
    """

    def __init__(self, reactor: ReactorBase) -> None:
        self._reactor = reactor
        self._system: Any = getattr(reactor, "nameResolver")  # noqa: B009 - not in the base class
        self.refused: set[str] = set()

    @classmethod
    def from_crawler(cls, _crawler: object, reactor: ReactorBase) -> Self:
        """Scrapy's way of making one."""
        return cls(reactor)

    def install_on_reactor(self) -> None:
        """Scrapy's way of putting it in place."""
        install: Any = getattr(self._reactor, "installNameResolver")  # noqa: B009
        install(self)

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        """Resolve, and keep the public addresses; none left is a failed resolution."""
        resolution: IHostResolution = self._system.resolveHostName(
            _PublicOnly(resolutionReceiver, hostName, self.refused),
            hostName,
            portNumber,
            addressTypes,
            transportSemantics,
        )
        return resolution
