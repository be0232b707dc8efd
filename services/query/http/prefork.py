"""Several worker processes that accept connections from one socket.

1. The parent listens, imports everything, has one thread only, and serves no requests.
2. It forks one worker for each slot. All workers accept from the same socket, so a worker that is
   busy or dead leaves the connections to the others; each maps the same snapshot files.
3. A worker that ends is replaced: at once if it had run for long, otherwise after a growing pause.
   The replacement takes over the slot and accepts nothing before it serves a snapshot, if there is
   one: the other workers answer in the meantime. Exit code 2, a wrong setting, stops all workers.
4. The parent passes SIGTERM and SIGINT on; workers drain as a single process would, and workers
   that take too long are killed. A parent that is killed takes its workers with it.

The parent waits for signals and has no handlers, so no handler can interrupt this code.

The other supervisors of child processes (``services/local``, ``services/ingest/supervisor``) run
programs from an event loop. This parent forks itself without a thread and without an event loop:
a fork must not copy either of them. So it has a separate loop, and shares with the others what a
worker does when its parent ends (``shared/system/child_process.py``).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from services.query.http.server import GRACE_S
from services.query.serving.worker_slot import WorkerSlot
from shared.system.child_process import EXIT_USAGE, die_with_parent
from shared.system.retry import Backoff
from shared.telemetry import get_logger

BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 10.0
STEADY_AFTER_S = 30.0
KILLED_AFTER_S = GRACE_S + 5.0
_AWAITED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})


class Workers:
    """The parent of the worker processes."""

    def __init__(self, count: int, folder: Path, work: Callable[[WorkerSlot], int]) -> None:
        """Prepare the slots; ``run`` forks the workers.

        Args:
            count: Number of workers.
            folder: Folder for the files that the workers share.
            work: The main function of a worker, which runs until SIGTERM and returns its exit code.
        """
        self._folder = folder
        self._work = work
        self._running: dict[int, tuple[int, float]] = {}  # process id: slot number, start time
        self._due = dict.fromkeys(range(1, count + 1), 0.0)  # slot number: when to fork its worker
        self._backoff = {number: Backoff(BACKOFF_FIRST_S, BACKOFF_MOST_S) for number in self._due}
        self._code = 0
        self._stopping_since: float | None = None

    def run(self) -> int:
        """Keep all workers running until SIGTERM or SIGINT; return the exit code of the service."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        gc.collect()
        gc.freeze()  # otherwise a collection writes to, and so copies, every page of objects
        try:
            while self._stopping_since is None or self._running:
                self._start_due_workers()
                received = signal.sigtimedwait(_AWAITED, self._wait_s())
                if received is not None and received.si_signo != signal.SIGCHLD:
                    self._stop(0)
                self._reap()
                self._kill_late_workers()
        finally:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        return self._code

    def _wait_s(self) -> float:
        if self._stopping_since is not None:
            return max(0.0, self._stopping_since + KILLED_AFTER_S - time.monotonic()) + 0.1
        now = time.monotonic()
        return max(0.0, min(self._due.values(), default=now + 3600.0) - now)

    def _start_due_workers(self) -> None:
        if self._stopping_since is not None:
            return
        now = time.monotonic()
        for number in [number for number, due in self._due.items() if due <= now]:
            replaces = self._due.pop(number) > 0
            self._running[self._fork(WorkerSlot(number, self._folder, replaces))] = (number, now)

    def _fork(self, slot: WorkerSlot) -> int:
        parent = os.getpid()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        # The worker runs from here on. It must not return into the parent's code.
        code = 1
        try:
            die_with_parent(parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            code = self._work(slot)
        except Exception:  # noqa: BLE001 - the process ends here after any failure
            get_logger().exception("worker failed", worker=slot.number)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number, started = self._running.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping_since is not None:
                self._code = self._code or max(0, code)
            elif code == EXIT_USAGE:
                self._stop(code)
            else:
                self._replace(number, code, time.monotonic() - started)

    def _replace(self, number: int, code: int, lived_s: float) -> None:
        if lived_s > STEADY_AFTER_S:
            self._backoff[number].reset()
        pause_s = self._backoff[number].next_s()
        self._due[number] = time.monotonic() + pause_s
        get_logger().warning("worker ended, replacing", worker=number, code=code, in_s=pause_s)

    def _stop(self, code: int) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            self._code = code
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)

    def _kill_late_workers(self) -> None:
        since = self._stopping_since
        if since is not None and time.monotonic() - since > KILLED_AFTER_S:
            for pid in self._running:
                get_logger().warning("worker did not stop in time, killed", pid=pid)
                os.kill(pid, signal.SIGKILL)
