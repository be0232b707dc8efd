"""The page that made a run fail, kept on disk for whoever looks into it.

A page is written as soon as it looks odd, because the crawl may be killed before its verdict; a
page that looks odder takes its place. A run that ends well deletes it.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from shared.telemetry import get_logger

FOLDER = "drift"


class Oddity(IntEnum):
    """How much a page suggests that its site has changed."""

    NO_REVIEWS = 1
    NO_TITLES = 2
    NO_TEXTS = 3
    REVIEWS_GONE = 4
    UNREADABLE = 5


class KeptPage:
    """At most one page of a run.

    Args:
        folder: The source's folder; None keeps nothing.
        run_id: The run.
    """

    def __init__(self, folder: Path | None, run_id: str) -> None:
        self._path = folder / FOLDER / f"{run_id}.html" if folder is not None else None
        self._oddity = 0

    @property
    def path(self) -> Path | None:
        """Where the page is; None when none was kept."""
        return self._path if self._path is not None and self._path.is_file() else None

    def offer(self, body: bytes, oddity: Oddity) -> None:
        """Keep this page if it is the oddest so far."""
        if self._path is None or oddity <= self._oddity:
            return
        self._oddity = oddity
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(body)
        except OSError as error:
            get_logger().warning("page not kept", file=str(self._path), reason=str(error))

    def drop(self) -> None:
        """Delete what was kept."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
