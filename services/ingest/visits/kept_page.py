"""The page that made a run fail, kept on disk so that an operator can inspect it.

A page is written as soon as it looks odd, because the crawl may be killed before its outcome is
known; a page that looks odder replaces it. A run that succeeds deletes it.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from shared.telemetry import get_logger

FOLDER = "drift"


class Oddity(IntEnum):
    """Why a page suggests that its site has changed; higher values are stronger evidence."""

    NO_REVIEWS = 1
    NO_TITLES = 2
    NO_TEXTS = 3
    REVIEWS_GONE = 4
    UNREADABLE = 5


class KeptPage:
    """Keeps at most one page of a run.

    Args:
        folder: The source's folder; None keeps no page.
        run_id: The run; it names the file.
    """

    def __init__(self, folder: Path | None, run_id: str) -> None:
        self._path = folder / FOLDER / f"{run_id}.html" if folder is not None else None
        self._oddity = 0

    @property
    def path(self) -> Path | None:
        """The path of the page; None when none is kept."""
        return self._path if self._path is not None and self._path.is_file() else None

    def offer(self, body: bytes, oddity: Oddity) -> None:
        """Keep this page if it is the oddest so far.

        Args:
            body: The page as received.
            oddity: What is odd about it.
        """
        if self._path is None or oddity <= self._oddity:
            return
        self._oddity = oddity
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(body)
        except OSError as error:
            get_logger().warning("page not kept", file=str(self._path), reason=str(error))

    def drop(self) -> None:
        """Delete the kept page, if any."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
