"""Services as child processes that are kept running and never outlive this process.

How a child ends with its parent, and how it is stopped, is shared with the other supervisors
(``shared/system/child_process.py``). A service that ends is started again after a growing pause;
only one that rejects its configuration is not.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from shared.system.child_process import EXIT_USAGE, die_with_parent, terminate_then_kill
from shared.system.retry import Backoff, wait_for
from shared.telemetry import get_logger

BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 10.0
STEADY_AFTER_S = 30.0
STOP_GRACE_S = 20.0


class CannotStart(RuntimeError):
    """The system cannot be started here; the message is one line that says what to do."""


@dataclass
class Service:
    """A child process that is kept running.

    Attributes:
        name: The name in logs and error messages.
        command: The command line.
        environment: All environment variables of the process.
        output: Where standard output and standard error go; this process's own when None.
        process: The running process, or the last one that ran.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    output: IO[bytes] | None = None
    process: asyncio.subprocess.Process | None = None

    async def keep_running(self, stop: asyncio.Event) -> None:
        """Start the process, and start it again whenever it ends, until ``stop`` is set.

        Raises:
            CannotStart: the process rejected its configuration; a restart cannot help.
        """
        backoff = Backoff(BACKOFF_FIRST_S, BACKOFF_MOST_S)
        while not stop.is_set():
            started = time.monotonic()
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=self.output,
                stderr=self.output,
                start_new_session=True,  # Ctrl-C reaches only this process, which stops the others
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
            code = await self.process.wait()
            if stop.is_set():
                return
            if code == EXIT_USAGE:
                raise CannotStart(f"{self.name} rejected its configuration: see its error above")
            if code == 0 or time.monotonic() - started > STEADY_AFTER_S:
                backoff.reset()  # it was stopped on purpose, or had been running well
            delay_s = backoff.next_s()
            get_logger().warning(
                "service ended, restarting it", name=self.name, code=code, in_s=delay_s
            )
            await wait_for(stop, delay_s)

    async def end(self) -> None:
        """Stop the process: SIGTERM, then SIGKILL after ``STOP_GRACE_S``."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        if await terminate_then_kill(process.send_signal, process.wait(), grace_s=STOP_GRACE_S):
            get_logger().warning("service killed: it did not stop in time", name=self.name)
