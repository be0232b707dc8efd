"""Servers take turns, window by window: one is measured, the others are frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.figures.measurement import Series, Window
from tests.benchmarks.race.load import Load, LoadFailed, closed_loop
from tests.benchmarks.race.servers import Memory, Server, ServerFailed

WARM_UP_S = 1.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Lap:
    """One window of one server."""

    load: Load
    cpu_s: float

    @property
    def window(self) -> Window:
        """The window as operations with their time."""
        return Window(self.load.requests, self.load.wall_s, self.cpu_s)


@dataclass(frozen=True)
class Laps:
    """All windows of one server under one load."""

    laps: Sequence[Lap]

    @property
    def cpu_ms(self) -> Series:
        """CPU milliseconds per request."""
        return Series.of(lap.window.cpu_ms for lap in self.laps)

    @property
    def per_second(self) -> Series:
        """Requests per second."""
        return Series.of(lap.window.per_second for lap in self.laps)

    @property
    def p50_ms(self) -> Series:
        """Median latency."""
        return Series.of(lap.load.p50_ms for lap in self.laps)

    @property
    def p99_ms(self) -> Series:
        """The latency that one of a hundred requests exceeds."""
        return Series.of(lap.load.p99_ms for lap in self.laps)

    @property
    def errors(self) -> int:
        """The total number of failed requests."""
        return sum(lap.load.errors for lap in self.laps)

    @property
    def lag_p99_ms(self) -> float:
        """The largest delay of the load generator itself."""
        return max(lap.load.lag_p99_ms for lap in self.laps)

    def to_json(self) -> dict[str, object]:
        """All figures, for JSON."""
        return {
            "cpu_ms": self.cpu_ms.to_json(),
            "per_second": self.per_second.to_json(),
            "p50_ms": self.p50_ms.to_json(),
            "p99_ms": self.p99_ms.to_json(),
            "errors": self.errors,
            "lag_p99_ms": self.lag_p99_ms,
        }


def cold_starts(servers: Sequence[Server], times: int, say: Say) -> dict[str, list[float]]:
    """Seconds from the start to the first response of each server; all are stopped again.

    A server that cannot start is reported and left out of the result.
    """
    seconds: dict[str, list[float]] = {}
    failed: set[str] = set()
    for _ in range(times):
        for server in servers:
            if server.name in failed:
                continue
            try:
                seconds.setdefault(server.name, []).append(server.start())
            except ServerFailed as error:
                say(f"{error}")
                failed.add(server.name)
                seconds.pop(server.name, None)
            finally:
                server.stop()
    return seconds


@contextmanager
def lined_up(servers: Sequence[Server]) -> Iterator[None]:
    """Start and freeze all servers; stop them on exit.

    Raises:
        ServerFailed: a server cannot start.
    """
    try:
        for server in servers:
            server.start()
            server.freeze()
        yield
    finally:
        for server in servers:
            server.stop()


def laps(
    servers: Sequence[Server], rounds: int, drive: Callable[[Server], Load]
) -> dict[str, Laps]:
    """Load each server once per round, after a warm-up.

    Raises:
        LoadFailed: a load generator ended without a result.
    """
    driven: dict[str, list[Lap]] = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            server.thaw()
            try:
                closed_loop(server.requests, server.port, concurrency=2, seconds=WARM_UP_S)
                before = server.cpu_s()
                load = drive(server)
                driven[server.name].append(Lap(load, server.cpu_s() - before))
            finally:
                server.freeze()
            if not load.requests:
                raise LoadFailed(f"{server.name} answered no request: {load.first_error}")
    return {name: Laps(windows) for name, windows in driven.items()}


def memories(servers: Sequence[Server]) -> dict[str, Memory]:
    """The memory of each server after the load."""
    return {server.name: server.memory() for server in servers}
