"""Overload: admitted requests are answered in time, the others are refused at once (I13).

The work takes a fixed time (the encoder sleeps), so that the figures do not depend on the machine:
the test is about the queue. ``make bench`` measures real searches.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.figures.measurement import percentile
from tests.support.counts import Counted
from tests.support.query.query_process import QueryProcess, publish, query_child
from tests.support.query.raw_http import Answer, answer, head, post, problem_in, query_json
from tests.support.soak import times

pytestmark = pytest.mark.alone

ENCODE_S = 0.02  # long enough to dominate a request, even on a busy machine
CAPACITY = 1 / ENCODE_S
QUEUE = 32
GOODPUT, LATENCY = 0.9, 1.5
TOLD = 0.25  # of the longest wait: a refusal does not wait


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(tmp_path)
    return tmp_path


@dataclass(frozen=True)
class Seen:
    """The responses to the requests of an open loop."""

    answers: Sequence[tuple[Answer, float]]
    wall_s: float

    @property
    def admitted_s(self) -> list[float]:
        """Latencies of the responses with 200, in seconds since they were due, ascending."""
        return sorted(took_s for response, took_s in self.answers if response.status == 200)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(response.status for response, _ in self.answers)


async def open_loop(query: QueryProcess, *, rate: float, seconds: float) -> Seen:
    """Send ``rate`` requests per second, each on a new connection, whatever the responses are."""
    started = time.perf_counter()

    async def one(number: int) -> tuple[Answer, float]:
        due = started + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        raw = await send(query, f"boxer {number}")
        return answer(raw), time.perf_counter() - due

    response = await asyncio.gather(*map(one, range(round(rate * seconds))))
    return Seen(response, time.perf_counter() - started)


async def capacity_of(query: QueryProcess, seconds: float) -> float:
    """Measure the searches per second of a closed loop that always has waiting requests."""
    started = time.perf_counter()

    async def client(number: int) -> int:
        asked = 0
        while time.perf_counter() - started < seconds:
            raw = await send(query, f"sea {number} {asked}")
            assert answer(raw).status == 200
            asked += 1
        return asked

    response = await asyncio.gather(*map(client, range(QUEUE // 2)))
    return sum(response) / (time.perf_counter() - started)


async def send(query: QueryProcess, text: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", query.port)
    writer.write(post(query_json(text)))
    raw = await reader.read()
    writer.close()
    return raw


@pytest.mark.parametrize("times_capacity", [2, 4])
async def test_overload_costs_nothing_but_the_refused(
    folder: Path, counted: Counted, times_capacity: int
) -> None:
    """Other work on the machine only makes the figures worse, so the best round counts."""
    seconds = times(2, soak=30)
    goodput, latency, refusal = [], [], []
    with query_child(
        folder, changes={"encode_s": ENCODE_S}, ENCODE_QUEUE=str(QUEUE), QUERY_CACHE="0"
    ) as query:
        for _ in range(5):
            before = await capacity_of(query, seconds / 3)
            seen = await open_loop(query, rate=times_capacity * CAPACITY, seconds=seconds)
            capacity = (before + await capacity_of(query, seconds / 3)) / 2
            assert set(seen.statuses) == {200, 503}
            refused = [(one, took_s) for one, took_s in seen.answers if one.status == 503]
            assert all(problem_in(one, 503).code == "overloaded" for one, _ in refused)
            counted("requests refused at overload", len(refused))
            # Refusals are immediate.
            refusal.append(statistics.median(took_s for _, took_s in refused) / (QUEUE / capacity))
            goodput.append(len(seen.admitted_s) / seen.wall_s / capacity)
            latency.append(percentile(seen.admitted_s, 0.99) / (QUEUE / capacity))
            if goodput[-1] >= GOODPUT and latency[-1] <= LATENCY and refusal[-1] < TOLD:
                return
    raise AssertionError(f"goodput {goodput}, p99 {latency}, refusals {refusal}")


async def test_without_a_bound_it_collapses(folder: Path) -> None:
    """The negative control: the same load on a queue that takes everything."""
    with query_child(
        folder,
        changes={"encode_s": ENCODE_S},
        ENCODE_QUEUE="1000000",
        REQUEST_TIMEOUT_S="1000",
        QUERY_CACHE="0",
    ) as query:
        seen = await open_loop(query, rate=4 * CAPACITY, seconds=2)
    assert set(seen.statuses) == {200}
    assert percentile(seen.admitted_s, 0.99) / (QUEUE * ENCODE_S) > 3 * LATENCY
    in_time = [took_s for took_s in seen.admitted_s if took_s <= LATENCY * QUEUE * ENCODE_S]
    assert len(in_time) / seen.wall_s / CAPACITY < GOODPUT / 2


async def test_what_has_expired_is_not_computed(folder: Path, counted: Counted) -> None:
    sent = 60
    with query_child(
        folder,
        changes={"encode_s": 0.05},
        ENCODE_QUEUE="100",
        REQUEST_TIMEOUT_S="0.5",
        QUERY_CACHE="0",
    ) as query:
        seen = await open_loop(query, rate=1000, seconds=sent / 1000)
        # It would be answered after them if they were computed.
        assert answer(query.raw(post(query_json("last")))).status == 200
        metrics = answer(query.raw(head("GET", "/metrics"))).body.decode()
    assert set(seen.statuses) == {200, 504}
    assert len(seen.answers) == sent
    for response, _ in seen.answers:
        if response.status == 504:
            assert problem_in(response, 504).code == "search-timeout"
    assert value(metrics, "movie_search_encode_seconds_count") == seen.statuses[200] + 1
    assert value(metrics, 'movie_search_refused_total{reason="late"}') == seen.statuses[504]
    encoded = value(metrics, 'movie_search_query_vectors_total{outcome="encoded"}')
    assert encoded == seen.statuses[200] + 1
    counted("requests expired", seen.statuses[504])


def value(metrics: str, name: str) -> float:
    [line] = [line for line in metrics.splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])
