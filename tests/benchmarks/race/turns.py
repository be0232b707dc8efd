"""Servers in turn, window by window: who is measured runs, everybody else is frozen."""

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
        """As operations."""
        return Window(self.load.requests, self.load.wall_s, self.cpu_s)


@dataclass(frozen=True)
class Laps:
    """All windows of one server under one load."""

    laps: Sequence[Lap]

    @property
    def cpu_ms(self) -> Series:
        """CPU milliseconds a request."""
        return Series.of(lap.window.cpu_ms for lap in self.laps)

    @property
    def per_second(self) -> Series:
        """Requests a second."""
        return Series.of(lap.window.per_second for lap in self.laps)

    @property
    def p50_ms(self) -> Series:
        """Median latency."""
        return Series.of(lap.load.p50_ms for lap in self.laps)

    @property
    def p99_ms(self) -> Series:
        """Latency that one of a hundred exceeds."""
        return Series.of(lap.load.p99_ms for lap in self.laps)

    @property
    def errors(self) -> int:
        """Requests not answered with success, in all."""
        return sum(lap.load.errors for lap in self.laps)

    @property
    def lag_p99_ms(self) -> float:
        """How late the load generator itself was, at the worst."""
        return max(lap.load.lag_p99_ms for lap in self.laps)

    def to_json(self) -> dict[str, object]:
        """All there is to tell."""
        return {
            "cpu_ms": self.cpu_ms.to_json(),
            "per_second": self.per_second.to_json(),
            "p50_ms": self.p50_ms.to_json(),
            "p99_ms": self.p99_ms.to_json(),
            "errors": self.errors,
            "lag_p99_ms": self.lag_p99_ms,
        }


def cold_starts(servers: Sequence[Server], times: int, say: Say) -> dict[str, list[float]]:
    """Seconds from start to first answer of each server, by turns; ends with none running.

    A server that cannot start is left out of the result, with a word of why.
    """
    found: dict[str, list[float]] = {}
    failed: set[str] = set()
    for _ in range(times):
        for server in servers:
            if server.name in failed:
                continue
            try:
                found.setdefault(server.name, []).append(server.start())
            except ServerFailed as error:
                say(f"{error}")
                failed.add(server.name)
                found.pop(server.name, None)
            finally:
                server.stop()
    return found


@contextmanager
def lined_up(servers: Sequence[Server]) -> Iterator[None]:
    """All of them started and frozen; stopped on exit.

    Raises:
        ServerFailed: one cannot start.
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
    """Drive each server once a round, by turns, warm.

    Raises:
        LoadFailed: a load generator ended without a result.
    """
    found: dict[str, list[Lap]] = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            server.thaw()
            try:
                closed_loop(server.requests, server.port, concurrency=2, seconds=WARM_UP_S)
                before = server.cpu_s()
                load = drive(server)
                found[server.name].append(Lap(load, server.cpu_s() - before))
            finally:
                server.freeze()
            if not load.requests:
                raise LoadFailed(f"{server.name} answered nothing: {load.first_error}")
    return {name: Laps(own) for name, own in found.items()}


def memories(servers: Sequence[Server]) -> dict[str, Memory]:
    """What each holds after all that was asked of it."""
    return {server.name: server.memory() for server in servers}
