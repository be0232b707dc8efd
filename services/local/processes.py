"""Child processes that are kept running, and never outlive their supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from shared.delivery.streams import wait_for
from shared.telemetry import get_logger

BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 10.0
STEADY_AFTER_S = 30.0
STOP_GRACE_S = 20.0
EXIT_USAGE = 2
_PR_SET_PDEATHSIG = 1


class CannotStart(RuntimeError):
    """The system cannot be started here; the message is one line that says what to do."""


@dataclass
class Service:
    """A child process that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    output: IO[bytes] | None = None
    process: asyncio.subprocess.Process | None = None

    async def keep_running(self, stop: asyncio.Event) -> None:
        """Start the process, and again whenever it ends, until ``stop`` is set.

        Raises:
            CannotStart: it ended because its configuration is wrong; starting again cannot help.
        """
        delay = BACKOFF_FIRST_S
        while not stop.is_set():
            started = time.monotonic()
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=self.output,
                stderr=self.output,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
                preexec_fn=_die_with_parent,
            )
            code = await self.process.wait()
            if stop.is_set():
                return
            if code == EXIT_USAGE:
                raise CannotStart(f"{self.name} refused its configuration, see its line above")
            if time.monotonic() - started > STEADY_AFTER_S:
                delay = BACKOFF_FIRST_S
            get_logger().warning(
                "service ended, starting it again", name=self.name, code=code, in_s=delay
            )
            await wait_for(stop, delay)
            delay = min(delay * 2, BACKOFF_MOST_S)

    async def end(self) -> None:
        """SIGTERM, and SIGKILL after a grace."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_GRACE_S)
        except TimeoutError:
            get_logger().warning("service did not stop in time, killing it", name=self.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _die_with_parent() -> None:
    """Linux: have the kernel send SIGTERM when the supervisor dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
