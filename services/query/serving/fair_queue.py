"""A queue whose clients take turns.

1. A client that waits for one item is served next, however many items others have waiting. Each
   item has a start tag: the tag of the client's item before plus what that item cost, or the tag of
   the item served last, whichever is greater. The smallest tag is served first, and the first come
   of equal ones (start-time fair queueing). So a client that was idle owes nothing and is owed
   nothing. An item costs one, but ``MODEST_COST`` if the client waits for nothing else: a person
   who makes one search after the other is always next, and still starves nobody.
2. Among the items of a client, its requests take turns, item by item: a request with many items
   does not hold up a request with one, even if both come through the same proxy.

Not thread-safe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

MODEST_COST = 0.25
_REMEMBERED = 1024  # clients that have nothing waiting, and may owe a turn


@dataclass(slots=True)
class _Client(Generic[T]):
    tag: float
    cost: float  # of the next item
    count: int = 0
    requests: deque[deque[T]] = field(default_factory=deque)


class FairQueue(Generic[T]):
    """Waiting items by client and request.

    Example:
        >>> queue = FairQueue[str]()
        >>> queue.add("greedy", ["a1", "a2", "a3"])
        >>> queue.pop(queue.clients()[0])
        'a1'
        >>> queue.add("modest", ["b1"])
        >>> queue.clients()
        ['modest', 'greedy']
    """

    def __init__(self) -> None:
        self._waiting: dict[str, _Client[T]] = {}
        self._owing: dict[str, float] = {}  # the next tag of clients that have nothing waiting
        self._now = 0.0  # the tag of the item that was served last
        self._count = 0

    def __len__(self) -> int:
        """The number of waiting items."""
        return self._count

    def count(self, client: str) -> int:
        """Return how many items of a client wait."""
        waiting = self._waiting.get(client)
        return waiting.count if waiting is not None else 0

    def clients(self) -> list[str]:
        """Return the clients that have items waiting, the one whose turn it is first."""
        if len(self._waiting) < 2:
            return list(self._waiting)
        return sorted(self._waiting, key=lambda client: self._waiting[client].tag)

    def add(self, client: str, items: Sequence[T]) -> None:
        """Add the items of one request of a client."""
        if not items:
            return
        waiting = self._waiting.get(client)
        if waiting is None:
            tag = max(self._now, self._owing.pop(client, 0.0))
            waiting = self._waiting[client] = _Client(tag, MODEST_COST)
        if waiting.count + len(items) > 1:
            waiting.cost = 1.0
        waiting.requests.append(deque(items))
        waiting.count += len(items)
        self._count += len(items)

    def peek(self, client: str) -> T:
        """Return the next item of a client that has one waiting."""
        return self._waiting[client].requests[0][0]

    def pop(self, client: str) -> T:
        """Take the next item of a client that has one waiting; its next request comes next."""
        waiting = self._waiting[client]
        request = waiting.requests.popleft()
        item = request.popleft()
        if request:
            waiting.requests.append(request)
        self._now = max(self._now, waiting.tag)
        waiting.tag += waiting.cost
        self._took(client, waiting)
        return item

    def remove(self, client: str, item: T) -> bool:
        """Remove an item before its turn; returns whether it was waiting."""
        waiting = self._waiting.get(client)
        if waiting is None:
            return False
        for request in waiting.requests:
            if item in request:
                request.remove(item)
                if not request:
                    waiting.requests.remove(request)
                self._took(client, waiting)
                return True
        return False

    def clear(self) -> list[T]:
        """Remove and return all items."""
        items = [
            item
            for waiting in self._waiting.values()
            for request in waiting.requests
            for item in request
        ]
        self._waiting.clear()
        self._count = 0
        return items

    def _took(self, client: str, waiting: _Client[T]) -> None:
        waiting.count -= 1
        self._count -= 1
        if waiting.count:
            return
        del self._waiting[client]
        self._owing[client] = waiting.tag
        if len(self._owing) > _REMEMBERED:
            del self._owing[next(iter(self._owing))]  # who has been gone for longest
