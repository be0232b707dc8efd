"""Who has been active lately, and so whether a job may be computed together with others.

A batch is over only when all of its jobs are, and the next client waits for all of them. So while
several clients are active, the jobs of one that has more than one waiting are computed one by one;
so are jobs that were submitted together, while others are submitted alone. A client that is the
only one loses nothing.
"""

from __future__ import annotations

from services.query.serving.computing import QueuedJob

ACTIVE_FOR_S = 1.0  # after the last job of a client


class Activity:
    """The clients that were active last."""

    def __init__(self) -> None:
        self._seen_at: dict[str, float] = {}  # two are enough to know that there is another one
        self._alone_at = -ACTIVE_FOR_S  # when a job that was submitted alone came or was taken

    def note(self, queued: QueuedJob, now: float) -> None:
        """Note that a job was submitted or taken."""
        if queued.is_alone:
            self._alone_at = now
        client = queued.requester.client
        self._seen_at.pop(client, None)
        self._seen_at[client] = now
        if len(self._seen_at) > 2:
            del self._seen_at[next(iter(self._seen_at))]

    def holds_up(self, queued: QueuedJob, now: float, *, waiting: int) -> bool:
        """Return whether others would wait for more than one job of the same client or request.

        Args:
            queued: The job.
            now: The time.
            waiting: How many jobs of its client wait.
        """
        own = queued.requester.client
        others = any(
            client != own and now - seen_at < ACTIVE_FOR_S
            for client, seen_at in self._seen_at.items()
        )
        if not queued.is_alone:
            return others or now - self._alone_at < ACTIVE_FOR_S
        return others and waiting > 1
