"""Restricts the crawler to public addresses, unless the source allows private ones.

The check is part of the resolver that the reactor uses, and checks the same addresses that the
reactor connects to. So it applies to start URLs, links and redirects alike, to literals in any
notation that the system understands (``2130706433``, ``0x7f.1``), and to a name that resolves
differently the second time. A name with any address that is not public is refused, whatever other
addresses it has. Scrapy's settings name the class (``TWISTED_DNS_RESOLVER``).
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
# "Global" in the standard library, at least in some versions. The first is a public address that a
# cloud answers inside each machine; the others are special in IANA's registries.
_SPECIAL = (
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's, for the machine itself: it has its secrets
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("3fff::/20"),
    ipaddress.ip_network("5f00::/16"),
)


def is_public(address: str) -> bool:
    """Whether an IP address is public; an IPv4 address embedded in IPv6 is checked itself."""
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
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@implementer(IResolutionReceiver)
class _AllOrNone:
    """Holds the resolved addresses back until all of them are known to be allowed."""

    def __init__(self, receiver: Any, host: str, resolver: PublicResolver) -> None:
        self._receiver = receiver
        self._host = host
        self._resolver = resolver
        self._addresses: list[IAddress] = []

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802 - Twisted's name
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        self._addresses.append(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        ips = [str(getattr(address, "host", "")) for address in self._addresses]
        refused = [ip for ip in ips if not self._resolver.allows(self._host, ip)]
        if refused:
            self._resolver.refuse(self._host, refused)
        else:
            for address in self._addresses:
                self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class PublicResolver:
    """The system's resolver, without hosts at private, loopback, link-local or special addresses.

    ``refused`` contains the hosts that had such an address; ``AddressMiddleware`` reports them.
    """

    def __init__(self, reactor: ReactorBase) -> None:
        self._reactor = reactor
        self._system: Any = getattr(reactor, "nameResolver")  # noqa: B009 - not in the base class
        self.refused: set[str] = set()

    @classmethod
    def from_crawler(cls, _crawler: object, reactor: ReactorBase) -> Self:
        """Create the resolver; called by Scrapy."""
        return cls(reactor)

    def install_on_reactor(self) -> None:
        """Install the resolver; called by Scrapy."""
        install: Any = getattr(self._reactor, "installNameResolver")  # noqa: B009
        install(self)

    def allows(self, host: str, address: str) -> bool:  # noqa: ARG002 - for tests to override
        """Whether the crawler may connect to an address that a host resolved to."""
        return is_public(address)

    def refuse(self, host: str, addresses: Sequence[str]) -> None:
        """Note a host with addresses that are not allowed."""
        if host not in self.refused:
            get_logger().warning("address refused", host=host, addresses=list(addresses))
        self.refused.add(host)

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        """Resolve a host; called by Twisted. A refused host gets no addresses, so that it fails."""
        resolution: IHostResolution = self._system.resolveHostName(
            _AllOrNone(resolutionReceiver, hostName, self),
            hostName,
            portNumber,
            addressTypes,
            transportSemantics,
        )
        return resolution
