from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.query.http.shares import Shares


def take_all(shares: Shares, *clients: str) -> None:
    """Let clients take one at a time, in turns, as long as one of them may."""
    while any(map(shares.may_take, clients)):
        for client in clients:
            if shares.may_take(client):
                shares.take(client)


def test_a_lone_client_gets_half_and_two_a_third_each() -> None:
    alone, two = Shares(120), Shares(120)
    take_all(alone, "a")
    assert alone.of("a") == 60
    take_all(two, "a", "b")
    assert (two.of("a"), two.of("b")) == (40, 40)
    assert two.may_take("c")


def test_what_is_given_back_is_free_again() -> None:
    shares = Shares(4)
    shares.take("a", 2)
    assert not shares.may_take("a")
    shares.give_back("a", 2)
    assert (shares.taken, shares.of("a")) == (0, 0)
    assert shares.may_take("a", 2)


@given(st.lists(st.integers(0, 9)), st.integers(1, 50))
def test_others_never_leave_a_client_without_its_share(takers: list[int], limit: int) -> None:
    """With ``n`` clients at most, one of them always finds a place while it has none."""
    shares = Shares(limit * 11)
    for taker in takers * 100:
        if shares.may_take(str(taker)):
            shares.take(str(taker))
    assert shares.taken <= shares.limit
    assert all(shares.of(str(taker)) <= shares.limit // 2 for taker in takers)
    assert shares.may_take("newcomer")
