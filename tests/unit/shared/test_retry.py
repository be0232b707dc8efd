"""Retries and backoff, with a clock that only the retries move."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from shared.system.retry import Backoff, retry, wait_for


class Temporary(Exception):
    pass


@dataclass
class Clock:
    """A clock that stands still but for the pauses."""

    now_s: float = 0.0
    pauses_s: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.now_s += seconds


@dataclass
class Flaky:
    """Fails some times before it succeeds."""

    failures: int
    error: Exception = field(default_factory=Temporary)
    calls: int = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "done"


def test_delays_double_up_to_the_longest_and_start_over() -> None:
    backoff = Backoff(0.1, 0.5)
    assert [backoff.next_s() for _ in range(5)] == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    backoff.reset()
    assert backoff.next_s() == 0.1


async def test_what_succeeds_is_called_once() -> None:
    clock, operation = Clock(), Flaky(0)
    assert await retry(operation, on=(Temporary,), sleep=clock.sleep, clock=clock) == "done"
    assert (operation.calls, clock.pauses_s) == (1, [])


async def test_it_is_called_until_it_succeeds() -> None:
    clock, operation = Clock(), Flaky(6)
    seen: list[float] = []
    result = await retry(
        operation,
        on=(Temporary,),
        on_retry=lambda _, delay_s: seen.append(delay_s),
        sleep=clock.sleep,
        clock=clock,
    )
    assert result == "done"
    assert clock.pauses_s == seen == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0])


async def test_another_error_is_raised_at_once() -> None:
    clock, operation = Clock(), Flaky(1, KeyError("x"))
    with pytest.raises(KeyError):
        await retry(operation, on=(Temporary,), sleep=clock.sleep, clock=clock)
    assert operation.calls == 1


async def test_a_predicate_says_what_is_temporary() -> None:
    clock = Clock()

    def is_temporary(error: Exception) -> bool:
        return str(error) == "later"

    again = Flaky(2, ValueError("later"))
    assert await retry(again, on=is_temporary, sleep=clock.sleep, clock=clock) == "done"
    with pytest.raises(ValueError, match="never"):
        await retry(Flaky(1, ValueError("never")), on=is_temporary, sleep=clock.sleep, clock=clock)


async def test_no_call_is_made_after_the_time_limit() -> None:
    clock, operation = Clock(), Flaky(100)
    with pytest.raises(Temporary):
        await retry(operation, on=(Temporary,), give_up_after_s=1.0, sleep=clock.sleep, clock=clock)
    # After 0.7 s the next delay, 0.8 s, would end too late.
    assert clock.pauses_s == pytest.approx([0.1, 0.2, 0.4])
    assert operation.calls == 4


async def test_a_stop_ends_the_delay_and_allows_one_last_call() -> None:
    stop, operation = asyncio.Event(), Flaky(100)
    with pytest.raises(Temporary):
        async with asyncio.timeout(30):
            await retry(
                operation,
                on=(Temporary,),
                backoff=Backoff(3600, 3600),
                stop=stop,
                on_retry=lambda *_: stop.set(),
            )
    assert operation.calls == 2


async def test_a_pause_ends_with_either_event() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(30):
        wake.set()
        await wait_for(stop, 3600, wake=wake)
        wake.clear()
        stop.set()
        await wait_for(stop, 3600, wake=wake)
        stop.clear()
        await wait_for(stop, 0)
