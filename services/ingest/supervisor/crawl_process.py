"""The supervisor's handle on a crawl process.

The child runs in a separate session, so that stopping it also stops the processes it started. Its
standard input is a pipe that only the supervisor holds open: when the supervisor ends, in whatever
way, the child reads the end of the pipe and ends too; unlike a signal from the kernel, that works
on every platform. Its standard output carries the outcome.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Self

from services.ingest.outcome import Outcome, read_outcome
from shared.system.child_process import terminate_then_kill

STOP_GRACE_S = 10.0


class CrawlProcess:
    """One running ``python -m services.ingest.crawl``; make it with ``start``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._outcome = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, run_id: str, source: str, *, demo_url: str) -> Self:
        """Start the process; it inherits the settings in the environment.

        Args:
            run_id: The run to crawl for.
            source: The name of the source.
            demo_url: The URL of the demo site.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ingest.crawl", "--supervised",
            "--run-id", run_id, "--source", source, "--demo-url", demo_url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self, timeout_s: float) -> Outcome | None:
        """Its outcome, or None when it is still running after ``timeout_s``."""
        await asyncio.wait({self._outcome}, timeout=timeout_s)
        return self._outcome.result() if self._outcome.done() else None

    async def stop(self, grace_s: float = STOP_GRACE_S) -> Outcome:
        """End the process and what it has started; returns its outcome.

        Args:
            grace_s: Seconds between SIGTERM and SIGKILL.
        """
        if not self._outcome.done():  # after its end the process id may belong to another process
            await terminate_then_kill(
                lambda number: os.killpg(self.pid, number), self._outcome, grace_s=grace_s
            )
        return self._outcome.result()

    async def _read(self) -> Outcome:
        stdout, stdin = self._process.stdout, self._process.stdin
        if stdout is None or stdin is None:
            raise RuntimeError("the process was started without its pipes")
        line = await stdout.read()
        exit_code = await self._process.wait()
        stdin.close()
        return read_outcome(exit_code, line)
