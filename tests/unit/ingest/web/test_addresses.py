"""Which addresses are of the public internet, and which hosts are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet._resolver import HostResolution
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

from services.ingest.web.addresses import PublicResolver, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.0.0.1", "10.1.2.3", "172.16.0.1",  # noqa: S104
        "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "168.63.129.16", "::ffff:168.63.129.16", "100.64.0.1",
        "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1",
        "192.0.0.8", "192.0.0.170", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "5f00::1",
        "100::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",
        "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "",
        "localhost", "300.1.1.1", "2130706433", "0x7f.1",
    ],
)  # fmt: skip
def test_special_addresses_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8",
     "64:ff9b::808:808", "2002:808:808::1"],
)  # fmt: skip
def test_public_addresses_are_not(address: str) -> None:
    assert is_public(address)


class _Reactor:
    """Stands for the reactor: it has a name resolver, which answers as the test says."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.nameResolver = self
        self._answers = answers

    def resolveHostName(  # noqa: N802 - Twisted's name
        self, receiver: Any, name: str, port: int, types: object, semantics: Any
    ) -> Any:
        resolution: Any = HostResolution(name)
        receiver.resolutionBegan(resolution)
        for answer in self._answers:
            kind = IPv6Address if ":" in answer else IPv4Address
            receiver.addressResolved(kind(semantics, answer, port))
        receiver.resolutionComplete()
        return resolution


class _Receiver:
    def __init__(self) -> None:
        self.resolved: list[str] = []
        self.is_complete = False

    def resolutionBegan(self, resolution: HostResolution) -> None:  # noqa: N802
        pass

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        self.resolved.append(str(getattr(address, "host", "")))

    def resolutionComplete(self) -> None:  # noqa: N802
        self.is_complete = True


def _resolved(*answers: str) -> tuple[list[str], set[str]]:
    resolver = PublicResolver(_Reactor(answers))  # type: ignore[arg-type]
    receiver = _Receiver()
    resolver.resolveHostName(receiver, "films.example", 80)
    assert receiver.is_complete
    return receiver.resolved, resolver.refused


def test_a_public_host_is_resolved() -> None:
    both = ["93.184.216.34", "2606:4700::1111"]
    assert _resolved(*both) == (both, set())
    assert _resolved() == ([], set())


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["10.0.0.1", "93.184.216.34"],
        ["93.184.216.34", "::1"], ["2606:4700::1111", "::ffff:169.254.169.254"],
    ],
)  # fmt: skip
def test_a_host_with_any_private_address_is_refused_whole(answers: list[str]) -> None:
    assert _resolved(*answers) == ([], {"films.example"})
