"""Child processes: a child that ends with its parent, and a stop with a grace period.

Three supervisors share this. ``services/local`` keeps the services of one machine running,
``services/ingest/supervisor`` runs a crawl with a time limit, and ``services/query/http/prefork``
forks its own workers. When each of them restarts a child, and what it reads from it, is their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable

EXIT_USAGE = 2  # exit code of a service whose configuration is wrong: a restart cannot help
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int, by: signal.Signals = signal.SIGTERM) -> None:
    """Linux: have the kernel send a signal to this process when its parent ends, however it ends.

    Call it in the child, between fork and exec, or at the start of a forked worker.

    Args:
        parent_pid: The process id of the parent, read by the parent before the fork. A child whose
            parent is already another process exits at once.
        by: The signal. SIGKILL also ends a process that is stuck, in which no handler would run.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
        if os.getppid() != parent_pid:  # the parent ended before prctl took effect
            os._exit(1)


async def terminate_then_kill(
    send_signal: Callable[[signal.Signals], None], ended: Awaitable[object], *, grace_s: float
) -> bool:
    """Stop a child with SIGTERM, and with SIGKILL when it has not ended after the grace period.

    Args:
        send_signal: Sends a signal to the child, or to its process group.
        ended: Completes when the child has ended.
        grace_s: Seconds between the two signals.

    Returns:
        Whether SIGKILL was necessary.
    """
    waiting = asyncio.ensure_future(ended)
    with contextlib.suppress(ProcessLookupError):
        send_signal(signal.SIGTERM)
    done, _ = await asyncio.wait({waiting}, timeout=grace_s)
    if not done:
        with contextlib.suppress(ProcessLookupError):
            send_signal(signal.SIGKILL)
        await asyncio.wait({waiting})
    return not done
