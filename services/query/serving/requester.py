"""Who sends the request that is being handled.

The middleware sets it for each request; the queue reads it when a route submits work. So every
route takes its turn fairly, without passing the client on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


def _stays() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Requester:
    """The client of a request.

    Attributes:
        client: The client that shares are counted by (``services.query.http.clients``).
        is_gone: Returns whether the client has closed the connection.
    """

    client: str = ""
    is_gone: Callable[[], bool] = _stays


REQUESTER: ContextVar[Requester] = ContextVar("requester", default=Requester())  # noqa: B039 - frozen
