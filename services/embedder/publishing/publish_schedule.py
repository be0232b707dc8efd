"""Decides when to publish.

A snapshot is due when nothing has arrived for ``publish_idle_s`` and the work list is empty; or,
while changes arrive, every ``publish_every_s``, and less often if publishing would take more than a
tenth of the time. After a change of the encoder the work list must be empty first, so that no
snapshot holds only some of the movies.

A snapshot that was *refused* would be refused again: the next attempt waits for a change, or, if
the cause may pass with time, for a delay that doubles each time. An attempt that *failed* (full
disk, another publisher) only waits for such a delay. Pure except for the clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MOST_SHARE = 0.1
"""Largest share of the time that publishing may take while changes arrive."""
RETRY_FAILED_S = (1.0, 60.0)
RETRY_REFUSED_S = (60.0, 3600.0)
"""First and longest delay before another attempt, in seconds."""


@dataclass
class Schedule:
    """Decides when to publish; all times are of the monotonic clock, in seconds.

    Attributes:
        idle_s: Seconds without arrivals after which a snapshot is due.
        every_s: Seconds between snapshots while changes arrive.
        last_change: Time of the last change to the database.
        last_arrival: Time of the last message that changed nothing.
        last_publish: Time of the last attempt to publish.
    """

    idle_s: float
    every_s: float
    last_change: float = 0.0
    last_arrival: float = 0.0
    last_publish: float = field(default_factory=time.monotonic)
    _changing_since: float | None = None  # None if nothing has changed since the last snapshot
    _took_s: float = 0.0
    _refused_at: float = float("-inf")
    _retry_at: float = float("-inf")
    _attempts: int = 0
    _failing_since: float | None = None

    def changed(self) -> None:
        """Record that something has been stored, encoded or removed."""
        self.last_change = time.monotonic()
        if self._changing_since is None:
            self._changing_since = self.last_change

    def noticed(self) -> None:
        """Record that the served snapshot is not of the database, if no change is known of yet.

        Something was stored just now and not said yet, or before a restart; or there is no
        snapshot.
        """
        if self._changing_since is None:
            self.changed()

    def arrived(self) -> None:
        """Record that a message arrived that changed nothing; messages with changes may follow."""
        self.last_arrival = time.monotonic()

    def published(self, began: float) -> None:
        """Record that a snapshot has been published, which was started at ``began``."""
        self.last_publish = time.monotonic()
        self._took_s = self.last_publish - began
        self._changing_since = self.last_change if self.last_change > began else None
        self._refused_at = self._retry_at = float("-inf")
        self._attempts = 0
        self._failing_since = None

    def refused(self, began: float, *, retry: bool) -> None:
        """Record that a snapshot was refused.

        Args:
            began: Time when the attempt began; later changes are not part of it.
            retry: Whether to try again even if nothing changes.
        """
        delay = self._delay(RETRY_REFUSED_S) if retry else float("inf")
        self.last_publish = time.monotonic()
        self._refused_at = began
        self._retry_at = self.last_publish + delay
        self._failing_since = None

    def failed(self) -> None:
        """Record that a snapshot could not be written."""
        now = time.monotonic()
        self.last_publish = now
        self._refused_at = float("-inf")
        self._retry_at = now + self._delay(RETRY_FAILED_S)
        if self._failing_since is None:
            self._failing_since = now

    @property
    def still_refused(self) -> bool:
        """Whether another snapshot would hold the same as the refused one, and none is due yet."""
        return self._refused_at > self.last_change and time.monotonic() < self._retry_at

    @property
    def failing_s(self) -> float:
        """Seconds since snapshots could no longer be written; 0.0 if they can."""
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    def due(self, *, backlog: int, same_encoder: bool) -> bool:
        """Whether to publish now, given that something has changed.

        Args:
            backlog: Number of reviews on the work list.
            same_encoder: Whether the current snapshot is of the encoder in use.
        """
        now = time.monotonic()
        if self._failing_since is not None and now < self._retry_at:
            return False
        if backlog == 0:
            quiet_since = max(self.last_change, self.last_arrival)
            return now - quiet_since >= self.idle_s or self._waited(now)
        return same_encoder and self._waited(now)

    def _waited(self, now: float) -> bool:
        # After a quiet time the last snapshot is old, but the first change may be one of many.
        started = self._changing_since is None or now - self._changing_since >= self.idle_s
        return started and now - self.last_publish >= self._every_s

    @property
    def _every_s(self) -> float:
        return max(self.every_s, self._took_s / MOST_SHARE)

    def _delay(self, bounds: tuple[float, float]) -> float:
        first, longest = bounds
        delay = min(first * 2.0 ** min(self._attempts, 32), longest)
        self._attempts += 1
        return delay
