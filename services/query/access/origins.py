"""CORS: which other sites may read the public operations in a browser.

A browser lets a page of another site read an answer only if the answer allows it. The admin API and
the metrics are not shared with any site, whatever the setting says, and cookies are never involved:
a key, if one is needed, is in a header.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from services.query.access.admission import RawHeaders, is_limited

ANY_ORIGIN = "*"
PREFLIGHT_S = 86_400  # browsers ask again after at most two hours, whatever is said here

_SHARED = frozenset({"/snapshot", "/openapi.json", "/llms.txt", "/livez", "/readyz"})
_EXPOSED = (
    "ETag, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Request-ID, X-Snapshot-ID, "
    "Mcp-Session-Id, Mcp-Protocol-Version"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-Request-ID, "
    "Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}
_ENCODED_PREFLIGHT = [(name.lower().encode(), value.encode()) for name, value in _PREFLIGHT.items()]


def is_shared(path: str) -> bool:
    """Return whether other sites may read the answers of a path."""
    return is_limited(path) or path in _SHARED or path.startswith("/posters/")


class CorsOrigins:
    """The sites that may read answers.

    Example::

        CorsOrigins(["https://blog.example.org"]).headers(scope)
    """

    def __init__(self, origins: Iterable[str]) -> None:
        """Allow these origins, such as ``https://blog.example.org``, or ``*``."""
        self._allowed = {origin.encode() for origin in origins}
        self._any = ANY_ORIGIN.encode() in self._allowed

    def headers(self, scope: MutableMapping[str, Any]) -> RawHeaders:
        """Return the CORS headers of the answer to a request."""
        if not self._allowed or not is_shared(scope["path"]):
            return []
        # Pictures are shown by other sites without CORS, and this header allows that.
        shared = [(b"cross-origin-resource-policy", b"cross-origin")]
        exposed = (b"access-control-expose-headers", _EXPOSED.encode())
        if self._any:
            return [*shared, (b"access-control-allow-origin", b"*"), exposed]
        vary = (b"vary", b"Origin")
        origin = _header(scope, b"origin")
        if origin not in self._allowed:
            return [*shared, vary]
        return [*shared, vary, (b"access-control-allow-origin", origin), exposed]

    def preflight(self, scope: MutableMapping[str, Any]) -> RawHeaders | None:
        """Return the headers of the answer to a preflight; None: the request is none.

        One from a site that is not allowed is answered, too, without the headers that allow it.
        """
        if (
            not self._allowed
            or scope["method"] != "OPTIONS"
            or not is_shared(scope["path"])
            or _header(scope, b"origin") is None
            or _header(scope, b"access-control-request-method") is None
        ):
            return None
        is_allowed = self._any or _header(scope, b"origin") in self._allowed
        return list(_ENCODED_PREFLIGHT) if is_allowed else []


def _header(scope: MutableMapping[str, Any], name: bytes) -> bytes | None:
    return next((value for each, value in scope["headers"] if each == name), None)
