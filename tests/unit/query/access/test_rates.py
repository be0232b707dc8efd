"""Rates: no client is answered more often than its rate says, and none is refused below it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.access.rates import MAX_CLIENTS, Rate, RateInvalid, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("text", ["60/minute", "1/second", "5000/hour", "100000/day"])
def test_a_rate_is_written_as_it_is_read(text: str) -> None:
    assert str(Rate.parse(text)) == text


@pytest.mark.parametrize("text", ["", "0/minute", "60", "60/week", "-1/day", "1.5/hour", "6 /day"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(RateInvalid, match="NUMBER/second"):
        Rate.parse(text)


def test_a_burst_then_one_by_one() -> None:
    clock = Clock()
    limiter, rate = RateLimiter(clock=clock), Rate.parse("3/minute")
    assert [limiter.take("a", rate).left for _ in range(3)] == [2, 1, 0]
    refused = limiter.take("a", rate)
    assert refused.wait_s == pytest.approx(20)
    assert limiter.take("b", rate).wait_s == 0  # another client is not affected
    clock.now_s += 19.9
    assert limiter.take("a", rate).wait_s > 0
    clock.now_s += 0.2
    assert limiter.take("a", rate).wait_s == 0
    clock.now_s += 600
    assert limiter.take("a", rate).left == 2


def test_what_a_batch_adds_is_waited_for() -> None:
    clock = Clock()
    limiter, rate = RateLimiter(clock=clock), Rate.parse("3/minute")
    assert limiter.take("a", rate).left == 2
    assert limiter.add("a", rate, 9).left == 0
    assert limiter.take("a", rate).wait_s == pytest.approx(160)  # ten used, of which two are free


def test_many_addresses_do_not_fill_the_memory() -> None:
    limiter, rate = RateLimiter(), Rate.parse("3/minute")
    for number in range(MAX_CLIENTS + 500):
        limiter.take(str(number), rate)
    assert len(limiter) == MAX_CLIENTS


@given(
    quota=st.integers(1, 50),
    window_s=st.sampled_from([1, 60, 3600]),
    gaps_s=st.lists(st.floats(0, 100), max_size=200),
)
def test_no_window_has_more_than_twice_the_quota(
    quota: int, window_s: int, gaps_s: list[float]
) -> None:
    """A burst and what is regained meanwhile: the rate in the long run, at most twice at once."""
    clock = Clock()
    limiter, rate = RateLimiter(clock=clock), Rate(quota, window_s)
    accepted: list[float] = []
    for gap_s in gaps_s:
        clock.now_s += gap_s
        allowance = limiter.take("a", rate)
        if allowance.wait_s == 0:
            accepted.append(clock.now_s)
        else:
            clock.now_s += allowance.wait_s + 1e-3
            assert limiter.take("a", rate).wait_s == 0  # the time that it names is enough
            accepted.append(clock.now_s)
    for start_s in accepted:
        inside = [each for each in accepted if start_s <= each < start_s + window_s]
        assert len(inside) <= 2 * quota
