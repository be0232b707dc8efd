"""Decides whether a request may be answered: by its search key, or by its client's address.

Only the operations of ``is_limited`` cost something; health, metrics, the page and the admin API,
which has its own token, are never limited here. A request with a key counts for the key, at the
rate of the key; one without counts for its client, at ``SEARCH_RATE``. Each worker process counts
alone, so that a limit costs no message to anything: with several workers a client may be answered
up to so many times as often.
"""

from __future__ import annotations

import math
from collections.abc import MutableMapping
from typing import Any

from services.query.access.key_file import KeyFile, KeyFileInvalid
from services.query.access.rates import Allowance, Rate, RateLimiter
from services.query.http.clients import client_of
from services.query.http.problems import Problem, Problems
from services.query.settings import KEYS_ONLY, QuerySettings
from shared.settings import PREFIX, SettingsInvalid

Scope = MutableMapping[str, Any]
RawHeaders = list[tuple[bytes, bytes]]

_LIMITED = frozenset({"/search", "/suggest", "/facets", "/movies", "/map", "/mcp"})
_LIMITED_BELOW = ("/search/", "/movies/")
_GRANT = "movie_search.grant"


def is_limited(path: str) -> bool:
    """Return whether an operation counts."""
    return path in _LIMITED or path.startswith(_LIMITED_BELOW)


class Admission:
    """The keys and the rates of one process.

    Example::

        admission = Admission.of(settings)
        admission.admit(scope)  # raises Problem, or notes what is left
    """

    def __init__(self, *, keys: KeyFile | None, rate: Rate | None, needs_key: bool) -> None:
        """Start with nothing used.

        Args:
            keys: The search keys; None: there are none, and what is sent as one is not read.
            rate: The rate of a client without a key; None: no limit.
            needs_key: Whether requests without a key are refused.
        """
        self._keys = keys
        self._rate = rate
        self._needs_key = needs_key
        self._limiter = RateLimiter()

    @classmethod
    def of(cls, settings: QuerySettings) -> Admission:
        """Make it as the settings say.

        Raises:
            SettingsInvalid: the file of keys cannot be read.
        """
        keys = None
        if settings.search_keys_file is not None:
            keys = KeyFile(settings.search_keys_file)
            try:
                keys.key_of(b"")
            except KeyFileInvalid as error:
                hint = "make the first key with `movie-search keys add NAME`"
                raise SettingsInvalid(f"{PREFIX}SEARCH_KEYS_FILE: {error}; {hint}") from error
        needs_key = settings.search_rate == KEYS_ONLY
        text = None if needs_key else settings.search_rate
        rate = Rate.parse(text) if text is not None else None
        return cls(keys=keys, rate=rate, needs_key=needs_key)

    def admit(self, scope: Scope) -> None:
        """Count a request, and note its client in the scope.

        Raises:
            Problem: the key is missing or unknown, or the rate is used up.
        """
        if not is_limited(scope["path"]):
            return
        who, rate = self._who(scope)
        if rate is None:
            return
        allowance = self._limiter.take(who, rate)
        scope[_GRANT] = (who, rate, allowance)
        if allowance.wait_s > 0:
            retry_after = str(math.ceil(allowance.wait_s))
            raise Problem(Problems.RATE_LIMITED, headers={"Retry-After": retry_after})

    def charge(self, scope: Scope, searches: int) -> None:
        """Count the further searches of a batch, whose number is known once it has been read."""
        if searches > 0 and (grant := scope.get(_GRANT)) is not None:
            who, rate, _ = grant
            scope[_GRANT] = (who, rate, self._limiter.add(who, rate, searches))

    def _who(self, scope: Scope) -> tuple[str, Rate | None]:
        text = _bearer(scope) if self._keys is not None else None
        if text is None or self._keys is None:
            if self._needs_key:
                raise Problem(Problems.KEY_REQUIRED)
            return f"address {client_of(scope)}", self._rate
        key = self._keys.key_of(text)
        if key is None:
            raise Problem(Problems.UNKNOWN_KEY)
        return f"key {key.name}", key.limit


def rate_headers(scope: Scope) -> RawHeaders:
    """Return ``RateLimit-Policy`` and ``RateLimit``, for a request that counted."""
    grant: tuple[str, Rate, Allowance] | None = scope.get(_GRANT)
    if grant is None:
        return []
    who, rate, allowance = grant
    name = who.partition(" ")[0]
    policy = f'"{name}";q={rate.quota};w={rate.window_s}'
    left = f'"{name}";r={allowance.left};t={math.ceil(allowance.full_in_s)}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


def _bearer(scope: Scope) -> bytes | None:
    """The text of ``Authorization: Bearer``."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, text = value.partition(b" ")
            return bytes(text.strip()) if scheme.lower() == b"bearer" else b""
    return None
