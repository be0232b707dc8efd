"""Bounds the CPU time in which a page is read, and remembers pages that ended the process.

Every reader of pages takes time in proportion to the page, or has limits of its own; this is the
bound for what they have overlooked. A page that takes too long is left out and counted as unread,
and the crawl goes on. Where even that does not end its reading, inside a library in C, the kernel
ends the process; the next attempt continues with the pages that are left, and after ``MOST_DEATHS``
it leaves that page out, too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from shared.system.cpu_bound import CpuBound, CpuBoundExceeded
from shared.telemetry import get_logger

FILE: Final = "reading.jsonl"
PAGE_CPU_S: Final = 10.0
"""CPU seconds for a page; a page of the largest size, full of reviews, takes less than three."""
PAGE_FATAL_S: Final = 30.0
"""CPU seconds after which the process is ended."""
MOST_DEATHS: Final = 2
"""How often the process may end while a page is read: once it may have been killed by chance."""

T = TypeVar("T")


class PageTooSlow(Exception):
    """Raised for a page that takes too long to read; the message is the reason."""


class PageReading:
    """Reads the pages of a run, one at a time.

    The page that is being read is the last line of a file in the source's folder; it is removed
    when the page has been read, so at a start it is there only if the process ended meanwhile.

    Args:
        folder: The source's folder; None remembers nothing.
        run_id: The run.
    """

    def __init__(self, folder: Path | None, run_id: str) -> None:
        self._run_id = run_id
        self._path = folder / FILE if folder is not None else None
        self._is_open = False
        self._deaths: Counter[str] = Counter()
        self._kept = 0  # bytes of the file that name the pages of earlier attempts

    def read(self, url: str, read: Callable[[], T]) -> T:
        """Read a page.

        Args:
            url: The page.
            read: Reads it.

        Raises:
            PageTooSlow: it takes too long, now or in earlier attempts.
        """
        if not self._is_open and self._path is not None:
            self._open(self._path)
        if self._deaths[url] >= MOST_DEATHS:
            raise PageTooSlow(f"reading it ended the crawl's process {MOST_DEATHS} times")
        self._note(url)
        try:
            with CpuBound(PAGE_CPU_S, fatal_s=PAGE_FATAL_S):
                return read()
        except CpuBoundExceeded as error:
            raise PageTooSlow(str(error)) from None
        finally:
            self._note(None)

    def _open(self, path: Path) -> None:
        self._is_open = True
        lines = list(_lines_of(path, self._run_id))
        self._deaths.update(lines)
        data = b"".join(self._line(url) for url in lines)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            get_logger().warning("pages not noted", file=str(path), reason=str(error))
            self._path = None
        self._kept = len(data)

    def _note(self, url: str | None) -> None:
        """Write which page is being read now; on a full disk it is not known later."""
        if self._path is not None:
            with suppress(OSError), self._path.open("r+b", buffering=0) as file:
                file.truncate(self._kept)
                if url is not None:
                    file.seek(self._kept)
                    file.write(self._line(url))

    def _line(self, url: str) -> bytes:
        return json.dumps([self._run_id, url]).encode() + b"\n"


def left_out_pages(folder: Path, run_id: str) -> int:
    """The number of pages that a run leaves out because reading them ended its process.

    Args:
        folder: The source's folder.
        run_id: The run.
    """
    deaths = Counter(_lines_of(folder / FILE, run_id))
    return sum(count >= MOST_DEATHS for count in deaths.values())


def _lines_of(path: Path, run_id: str) -> Iterator[str]:
    """The pages that a run was reading when its process ended, each as often as that happened."""
    with suppress(OSError):
        for line in path.read_bytes().splitlines():
            with suppress(ValueError, TypeError):
                run, url = json.loads(line)
                if run == run_id and isinstance(url, str):
                    yield url
