"""Several processes that answer on one socket.

1. The parent listens, imports everything, and has one thread only; it serves nobody itself.
2. It forks a worker for each place. All accept from the one socket, so a worker that is busy or
   dead leaves the connections to the others; each maps the same snapshot files.
3. A worker that ends is replaced: at once if it had run for long, else after a growing pause. Its
   replacement takes over its place, and accepts nothing before it serves a snapshot, if there is
   one: the others do meanwhile. Only exit code 2, a setting that is wrong, ends all.
4. SIGTERM or SIGINT to the parent is passed on; workers drain as a single process would, and those
   that take longer are killed. A parent that is killed takes its workers with it.

Signals are waited for and never handled, so nothing here runs in between.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from services.query.http.server import GRACE_S
from services.query.serving.worker_slot import WorkerSlot
from shared.telemetry import get_logger

EXIT_USAGE = 2
BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 10.0
STEADY_AFTER_S = 30.0
KILLED_AFTER_S = GRACE_S + 5.0
_PR_SET_PDEATHSIG = 1
_AWAITED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})


class Workers:
    """The parent's part."""

    def __init__(self, count: int, folder: Path, work: Callable[[WorkerSlot], int]) -> None:
        """Fork nothing yet.

        Args:
            count: How many workers.
            folder: For what they share.
            work: What a worker does, until it is told to stop by SIGTERM; returns its exit code.
        """
        self._folder = folder
        self._work = work
        self._running: dict[int, tuple[int, float]] = {}  # process id: place, time of its start
        self._due = dict.fromkeys(range(1, count + 1), 0.0)  # place: when to start its worker
        self._pause_s = dict.fromkeys(self._due, BACKOFF_FIRST_S)
        self._code = 0
        self._stopping_since: float | None = None

    def run(self) -> int:
        """Keep all workers running until told to stop; returns the exit code of all."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        gc.collect()
        gc.freeze()  # or collecting would write to, and so copy, every page of objects
        try:
            while self._stopping_since is None or self._running:
                self._start_those_due()
                found = signal.sigtimedwait(_AWAITED, self._patience_s())
                if found is not None and found.si_signo != signal.SIGCHLD:
                    self._stop(0)
                self._reap()
                self._kill_those_late()
        finally:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        return self._code

    def _patience_s(self) -> float:
        if self._stopping_since is not None:
            return max(0.0, self._stopping_since + KILLED_AFTER_S - time.monotonic()) + 0.1
        now = time.monotonic()
        return max(0.0, min(self._due.values(), default=now + 3600.0) - now)

    def _start_those_due(self) -> None:
        if self._stopping_since is not None:
            return
        now = time.monotonic()
        for number in [number for number, due in self._due.items() if due <= now]:
            replaces = self._due.pop(number) > 0
            self._running[self._fork(WorkerSlot(number, self._folder, replaces))] = (number, now)

    def _fork(self, place: WorkerSlot) -> int:
        parent = os.getpid()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        # From here on in the worker. It must not return into what the parent was doing.
        code = 1
        try:
            _die_with(parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            code = self._work(place)
        except Exception:  # noqa: BLE001 - the process ends here, whatever it is
            get_logger().exception("worker failed", worker=place.number)
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
            self._pause_s[number] = BACKOFF_FIRST_S
        pause_s = self._pause_s[number]
        self._pause_s[number] = min(2 * pause_s, BACKOFF_MOST_S)
        self._due[number] = time.monotonic() + pause_s
        get_logger().warning("worker ended, replacing it", worker=number, code=code, in_s=pause_s)

    def _stop(self, code: int) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            self._code = code
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)

    def _kill_those_late(self) -> None:
        since = self._stopping_since
        if since is not None and time.monotonic() - since > KILLED_AFTER_S:
            for pid in self._running:
                get_logger().warning("worker did not stop in time, killing it", pid=pid)
                os.kill(pid, signal.SIGKILL)


def _die_with(parent: int) -> None:
    """Linux: have the kernel send SIGTERM when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was quicker
            os._exit(1)
