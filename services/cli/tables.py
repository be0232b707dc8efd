"""Output of the commands: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.api import plain

PIPED_WIDTH = 400  # without a terminal, so that a row of a table stays one line


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table without borders on standard output; None is shown as a dash."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("-" if cell is None else plain(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    console.print(table)


def print_json(answer: Any) -> None:
    """Print a response of the API as indented JSON on standard output."""
    sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")


def short_time(moment: str | None) -> str | None:
    """A time of the API to the second; None stays None."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S")


def short_duration(seconds: float | None) -> str | None:
    """A duration with its unit, to about two digits; None stays None."""
    if seconds is None:
        return None
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def short_size(size_bytes: float | None) -> str | None:
    """A number of bytes with its unit, to about three digits; None stays None."""
    if size_bytes is None:
        return None
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
