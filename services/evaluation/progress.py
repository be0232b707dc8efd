"""Progress of long work: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

T = TypeVar("T")
LINE_EVERY_S = 10.0


class Track(Protocol):
    """Yields items, and shows progress meanwhile."""

    def __call__(self, what: str, items: Sequence[T], /) -> Iterator[T]:
        """The items in their order; ``what`` names the work."""
        ...


class ConsoleProgress:
    """Shows progress on a console, normally standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def __call__(self, what: str, items: Sequence[T], /) -> Iterator[T]:
        """See ``Track``."""
        if self._console.is_terminal:
            with Progress(console=self._console, transient=True) as progress:
                yield from progress.track(items, description=escape(what))
            return
        printed = time.monotonic()
        for done, item in enumerate(items):
            if time.monotonic() - printed >= LINE_EVERY_S:
                printed = time.monotonic()
                self.say(f"{what}: {100 * done // len(items)} %")
            yield item
