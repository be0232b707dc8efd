"""What the clients of this process hold: connections, and bytes of answers they have not taken.

Both are shared fairly (``services.query.http.shares``): a client that opens idle connections, or
asks for large answers without reading them, loses its own requests and nobody else's.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

from services.query.http.shares import Shares
from services.query.serving.metrics import Metrics
from shared.telemetry import get_logger

MAX_CONNECTIONS = 4096
MAX_UNTAKEN_BYTES = 64 * 1024 * 1024
OPEN_FILES = 65_536  # more than this gains nothing here
LOGGED_EVERY_S = 10.0
_OTHER_FILES = 512  # the snapshot, Redis, and connections that are refused at the moment


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard limit, up to ``OPEN_FILES``.

    Returns:
        The soft limit. It is not lowered, and stays where the system allows no other.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft
    return wanted


def connection_limit() -> int:
    """How many connections the limit of open files leaves room for, up to ``MAX_CONNECTIONS``."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(soft - _OTHER_FILES, soft // 2))


class Connections:
    """The connections of one process."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        limit: int | None = None,
        untaken_bytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without connections.

        Args:
            metrics: Metrics to update.
            limit: Number of connections; None: as many as ``connection_limit`` says.
            untaken_bytes: Bytes of answers that may wait for their clients; None:
                ``MAX_UNTAKEN_BYTES``.
            clock: Returns the time in seconds, for the log.
        """
        self._metrics = metrics
        self._open = Shares(limit or connection_limit())
        self._untaken = Shares(untaken_bytes or MAX_UNTAKEN_BYTES)
        self._clock = clock
        self._logged_at = -LOGGED_EVERY_S

    def admit(self, client: str) -> bool:
        """Count a new connection of a client; returns False, and counts it not, over its share."""
        if self._open.may_take(client):
            self._open.take(client)
            self._metrics.connections.inc()
            return True
        self._metrics.connections_refused.inc()
        now = self._clock()
        if now - self._logged_at >= LOGGED_EVERY_S:
            self._logged_at = now
            get_logger().warning(
                "too many connections",
                client=client,
                connections=self._open.of(client),
                of_all=self._open.taken,
                limit=self._open.limit,
            )
        return False

    def closed(self, client: str) -> None:
        """Count a connection that ``admit`` has counted and that has ended."""
        self._open.give_back(client)
        self._metrics.connections.dec()

    def waits_for(self, client: str, size: int) -> None:
        """Count bytes of an answer that a client has not taken yet."""
        self._untaken.take(client, size)

    def taken(self, client: str, size: int) -> None:
        """Count bytes that ``waits_for`` has counted and that no longer wait."""
        self._untaken.give_back(client, size)

    def may_ask(self, client: str) -> bool:
        """Return whether a client has taken enough of its answers to get another one."""
        return not self._untaken.of(client) or self._untaken.may_take(client, 0)
