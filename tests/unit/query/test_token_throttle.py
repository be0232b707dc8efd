"""The limit on wrong admin tokens: by client, in bounded memory, and temporary."""

from __future__ import annotations

import pytest

from services.query.http.token_throttle import BURST, EVERY_S, MAX_CLIENTS, TokenThrottle


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wrong(clock: Clock) -> TokenThrottle:
    return TokenThrottle(clock=clock)


def spend(wrong: TokenThrottle, address: str) -> None:
    for _ in range(BURST):
        assert wrong.count(address).wait_s == 0


def test_a_burst_is_allowed_and_then_one_at_a_time(wrong: TokenThrottle, clock: Clock) -> None:
    spend(wrong, "192.0.2.1")
    refused = [wrong.count("192.0.2.1") for _ in range(50)]
    assert [one.is_first for one in refused] == [True, *[False] * 49]
    assert {one.wait_s for one in refused} == {EVERY_S}  # attempts do not extend the wait
    clock.now_s += EVERY_S
    assert wrong.count("192.0.2.1").wait_s == 0
    assert wrong.count("192.0.2.1").wait_s == EVERY_S
    clock.now_s += BURST * EVERY_S
    spend(wrong, "192.0.2.1")
    assert wrong.count("192.0.2.1").is_first


def test_clients_have_separate_limits(wrong: TokenThrottle) -> None:
    spend(wrong, "192.0.2.1")
    assert wrong.count("192.0.2.1").wait_s > 0
    assert wrong.count("192.0.2.2").wait_s == 0
    assert wrong.count("").wait_s == 0


def test_a_client_has_a_whole_ipv6_network(wrong: TokenThrottle) -> None:
    for number in range(BURST):
        assert wrong.count(f"2001:db8::{number:x}").wait_s == 0
    assert wrong.count("2001:db8::ffff").wait_s > 0
    assert wrong.count("2001:db8:0:1::1").wait_s == 0
    spend(wrong, "::ffff:192.0.2.1")
    assert wrong.count("::ffff:192.0.2.2").wait_s == 0


def test_memory_is_bounded_and_the_least_recently_used_is_forgotten(wrong: TokenThrottle) -> None:
    spend(wrong, "192.0.2.1")
    for number in range(3 * MAX_CLIENTS):
        wrong.count(f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}")
        if number % 100 == 0:
            assert wrong.count("192.0.2.1").wait_s > 0  # an active client is not forgotten
    assert len(wrong) == MAX_CLIENTS
