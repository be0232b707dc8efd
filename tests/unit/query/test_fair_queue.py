from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.query.serving.fair_queue import MODEST_COST, FairQueue

Item = tuple[str, int, int]  # client, request, number


def request(client: str, number: int, count: int) -> list[Item]:
    return [(client, number, item) for item in range(count)]


def served(queue: FairQueue[Item], count: int | None = None) -> list[Item]:
    items: list[Item] = []
    while queue and (count is None or len(items) < count):
        items.append(queue.pop(queue.clients()[0]))
    return items


def test_one_search_is_served_next_however_many_others_wait() -> None:
    queue: FairQueue[Item] = FairQueue()
    for number in range(100):
        queue.add("greedy", request("greedy", number, 1))
    served(queue, 7)
    queue.add("modest", request("modest", 0, 1))
    assert [item[0] for item in served(queue, 3)] == ["modest", "greedy", "greedy"]


def test_one_that_comes_again_and_again_does_not_starve_the_others() -> None:
    queue: FairQueue[Item] = FairQueue()
    queue.add("greedy", request("greedy", 0, 50))
    counts: Counter[str] = Counter()
    for number in range(60):
        if not queue.count("eager"):
            queue.add("eager", request("eager", number, 1))
        counts[served(queue, 1)[0][0]] += 1
    assert counts == {"greedy": 60 * MODEST_COST / (1 + MODEST_COST), "eager": 48}


def test_one_that_was_idle_is_owed_nothing() -> None:
    queue: FairQueue[Item] = FairQueue()
    queue.add("greedy", request("greedy", 0, 100))
    served(queue, 50)
    queue.add("late", request("late", 0, 20))
    counts = Counter(item[0] for item in served(queue, 20))
    assert counts == {"greedy": 10, "late": 10}


def test_requests_of_a_client_take_turns() -> None:
    queue: FairQueue[Item] = FairQueue()
    queue.add("proxy", request("proxy", 0, 64))
    served(queue, 1)
    queue.add("proxy", request("proxy", 1, 1))
    queue.add("proxy", request("proxy", 2, 3))
    assert [item[1] for item in served(queue, 7)] == [0, 1, 2, 0, 2, 0, 2]


def test_items_are_removed_before_their_turn() -> None:
    queue: FairQueue[Item] = FairQueue()
    queue.add("a", request("a", 0, 2))
    queue.add("b", request("b", 0, 1))
    assert queue.remove("a", ("a", 0, 0))
    assert not queue.remove("a", ("a", 0, 0))
    assert not queue.remove("c", ("c", 0, 0))
    assert (len(queue), queue.count("a"), queue.count("b")) == (2, 1, 1)
    assert queue.clear() == [("a", 0, 1), ("b", 0, 0)]
    assert (len(queue), queue.clients()) == (0, [])


Step = tuple[str, int]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 6)), max_size=60))
def test_nothing_is_lost_and_nobody_waits_for_more_than_some_turns_of_each(
    steps: list[Step],
) -> None:
    """A step adds a request with some items of a client; 0 items: serve one item."""
    queue: FairQueue[Item] = FairQueue()
    added: list[Item] = []
    taken: list[Item] = []
    passed: dict[str, Counter[str]] = {}  # how often others were served while a client waited

    def serve() -> None:
        [item] = served(queue, 1)
        taken.append(item)
        passed.pop(item[0], None)
        for client in queue.clients():
            passed.setdefault(client, Counter())[item[0]] += client != item[0]
            assert max(passed[client].values()) <= 1 + 1 / MODEST_COST

    for number, (client, count) in enumerate(steps):
        items = request(client, number, count)
        queue.add(client, items)
        added += items
        if not count and queue:
            serve()
        assert len(queue) == len(added) - len(taken)
    while queue:
        serve()
    assert sorted(taken) == sorted(added)


def test_few_of_the_clients_that_come_and_go_are_remembered() -> None:
    queue: FairQueue[Item] = FairQueue()
    for number in range(3000):
        queue.add(str(number), request(str(number), 0, 1))
        served(queue)
    assert len(queue._owing) <= 1024
