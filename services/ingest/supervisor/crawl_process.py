"""A crawl's process, as the supervisor holds it.

The child lives in a session of its own, so that ending it ends whatever it started. Its standard
input is a pipe that only the supervisor holds open: when the supervisor is gone, in whatever way,
the child reads the end of it and ends too. Its standard output carries the outcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import Self

from services.ingest.outcome import Outcome, read_outcome

STOP_GRACE_S = 10.0


class CrawlProcess:
    """One running ``python -m services.ingest.crawl``; make it with ``start``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._outcome = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, run_id: str, source: str, *, demo_url: str) -> Self:
        """Start the process; settings reach it by the environment."""
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
        """Ask it to end, and make it end when it does not within ``grace_s``."""
        if self._outcome.done():
            return self._outcome.result()  # and its process id may be another's by now
        for wish in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, wish)
            outcome = await self.wait(grace_s)
            if outcome is not None:
                return outcome
        return await self._outcome

    async def _read(self) -> Outcome:
        stdout, stdin = self._process.stdout, self._process.stdin
        if stdout is None or stdin is None:
            raise RuntimeError("the process was started without its pipes")
        line = await stdout.read()
        exit_code = await self._process.wait()
        stdin.close()
        return read_outcome(exit_code, line)
