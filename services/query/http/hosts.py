"""The names under which clients may reach the service: the check of the header ``Host``.

A page of another site can have its name point to this machine (DNS rebinding). The browser then
takes this service for that site, and lets the page read every answer. The browser names the site in
``Host``, and no such name is accepted here. A page cannot be given an IP address or ``localhost``
in this way, so these are always accepted.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any

from services.query.http.problems import Problem, Problems
from shared.settings import PREFIX
from shared.telemetry import get_logger

ANY = "*"
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]{1,253})(?::[0-9]{0,5})?")


class AllowedHosts:
    """The names that are accepted."""

    def __init__(self, names: Iterable[str], *, machine: str | None = None) -> None:
        """Accept these names, and those that no other site can have.

        Args:
            names: Names without a port; ``*.example.org`` stands for all names below
                ``example.org``, and ``*`` for any name.
            machine: The name of this machine; None: the system's.
        """
        own = (socket.gethostname() if machine is None else machine).lower()
        listed = [name.lower().rstrip(".") for name in names]
        self._allows_any = ANY in listed
        self._below = tuple(name[1:] for name in listed if name.startswith("*."))
        first = own.partition(".")[0]
        self._exact = {"localhost", own, first, f"{first}.local", *listed} - {"", ".local"}
        self._was_refused = False

    def check(self, scope: MutableMapping[str, Any]) -> None:
        """Check the host of a request.

        Raises:
            Problem: It names no host, more than one, or another one than this service.
        """
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if not hosts and scope["http_version"] == "1.0":
            return  # it has no Host; a browser always sends one
        host = _HOST.fullmatch(scope.get("authority", hosts[0])) if len(hosts) == 1 else None
        if host is None:
            raise Problem(Problems.INVALID_HOST)
        name = host[1].decode("ascii").lower().removesuffix(".")
        if not self._allows(name):
            self._log()
            raise Problem(Problems.HOST_NOT_ALLOWED)

    def _allows(self, name: str) -> bool:
        return (
            self._allows_any
            or name in self._exact
            or name.endswith((".localhost", *self._below))
            or _is_address(name)
        )

    def _log(self) -> None:
        """Name the setting once, and not the host: no text of a client is logged."""
        if not self._was_refused:
            self._was_refused = True
            get_logger().warning("host not allowed", setting=f"{PREFIX}ALLOWED_HOSTS")


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
