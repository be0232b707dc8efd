"""Probe processes, as the benchmark starts and uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.figures.measurement import Window
from tests.benchmarks.figures.plan import ROOT
from tests.benchmarks.race.servers import ONE_THREAD


class ProbeFailed(RuntimeError):
    """A probe ended early; the message has its last line."""


class ProbeProcess:
    """A running probe process."""

    def __init__(self, kind: str, *arguments: object, log: Path) -> None:
        """Start the probe and wait until it is ready.

        Raises:
            ProbeFailed: the probe ended.
        """
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.probes.probe", kind, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                cwd=ROOT,
                env={**os.environ, **ONE_THREAD},
            )
        self._read()
        self.start_s = time.perf_counter() - started
        self.peak_mb = 0.0

    def measure(self, command: Mapping[str, Any]) -> Window:
        """Run a command; the probe itself measures the time.

        Raises:
            ProbeFailed: the probe ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ProbeFailed(self._last_line()) from error
        answer = self._read()
        self.peak_mb = max(self.peak_mb, answer["peak_mb"])
        return Window(int(answer["operations"]), answer["wall_s"], answer["cpu_s"])

    def close(self) -> None:
        """End the probe."""
        self._process.communicate()

    def _read(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise ProbeFailed(self._last_line())
        answer: dict[str, float] = json.loads(line)
        return answer

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "ended without output"


@contextmanager
def probe(kind: str, *arguments: object, log: Path) -> Iterator[ProbeProcess]:
    """A running probe that is ended on exit.

    Raises:
        ProbeFailed: the probe cannot start.
    """
    process = ProbeProcess(kind, *arguments, log=log)
    try:
        yield process
    finally:
        process.close()
