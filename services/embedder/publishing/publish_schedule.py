"""When to publish.

Nothing has come for ``publish_idle_s`` and the work list is empty; or, while changes flow, every
``publish_every_s``, and less often if publishing would take more than a tenth of the time. After a
change of the encoder the work list must be empty first, so that no snapshot holds half of the
films.

A snapshot that was *refused* would be refused again: the next attempt waits for a change, or for a
delay that doubles each time, if time alone may mend it. An attempt that *failed* (a full disk,
another publisher) waits for such a delay only. Pure but for the clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MOST_SHARE = 0.1
"""Of the time, while changes flow."""
RETRY_FAILED_S = (1.0, 60.0)
RETRY_REFUSED_S = (60.0, 3600.0)
"""First and longest delay before another attempt."""


@dataclass
class Schedule:
    """When to publish. Times are of the monotonic clock, in seconds."""

    idle_s: float
    every_s: float
    last_change: float = 0.0
    last_arrival: float = 0.0
    last_publish: float = field(default_factory=time.monotonic)
    _changing_since: float | None = None  # None: nothing has changed since the last snapshot
    _took_s: float = 0.0
    _refused_at: float = float("-inf")
    _retry_at: float = float("-inf")
    _attempts: int = 0
    _failing_since: float | None = None

    def changed(self) -> None:
        """Note that something has been stored, encoded or removed."""
        self.last_change = time.monotonic()
        if self._changing_since is None:
            self._changing_since = self.last_change

    def arrived(self) -> None:
        """Note that something came which changes nothing; what changes may follow it."""
        self.last_arrival = time.monotonic()

    def published(self, began: float) -> None:
        """Note that a snapshot has been published, which was begun at ``began``."""
        self.last_publish = time.monotonic()
        self._took_s = self.last_publish - began
        self._changing_since = self.last_change if self.last_change > began else None
        self._refused_at = self._retry_at = float("-inf")
        self._attempts = 0
        self._failing_since = None

    def refused(self, began: float, *, retry: bool) -> None:
        """Note that what was there at ``began`` must not be served.

        Args:
            began: When the attempt began.
            retry: Whether to try again although nothing has changed.
        """
        delay = self._delay(RETRY_REFUSED_S) if retry else float("inf")
        self.last_publish = time.monotonic()
        self._refused_at = began
        self._retry_at = self.last_publish + delay
        self._failing_since = None

    def failed(self) -> None:
        """Note that a snapshot could not be written."""
        now = time.monotonic()
        self.last_publish = now
        self._refused_at = float("-inf")
        self._retry_at = now + self._delay(RETRY_FAILED_S)
        if self._failing_since is None:
            self._failing_since = now

    @property
    def still_refused(self) -> bool:
        """Whether another snapshot would hold no more than the one that was refused."""
        return self._refused_at > self.last_change and time.monotonic() < self._retry_at

    @property
    def failing_s(self) -> float:
        """For how long snapshots could not be written."""
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    def due(self, *, backlog: int, same_encoder: bool) -> bool:
        """Whether to publish now, given that something has changed."""
        now = time.monotonic()
        if self._failing_since is not None and now < self._retry_at:
            return False
        if backlog == 0:
            quiet_since = max(self.last_change, self.last_arrival)
            return now - quiet_since >= self.idle_s or self._waited(now)
        return same_encoder and self._waited(now)

    def _waited(self, now: float) -> bool:
        # After a rest the last snapshot is old, but what has just begun to change is not all there.
        begun = self._changing_since is None or now - self._changing_since >= self.idle_s
        return begun and now - self.last_publish >= self._every_s

    @property
    def _every_s(self) -> float:
        return max(self.every_s, self._took_s / MOST_SHARE)

    def _delay(self, bounds: tuple[float, float]) -> float:
        first, longest = bounds
        delay = min(first * 2.0 ** min(self._attempts, 32), longest)
        self._attempts += 1
        return delay
