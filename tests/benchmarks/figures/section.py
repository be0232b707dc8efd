"""The result of one section of the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Key, Outcome

Say = Callable[[str], None]


@dataclass
class Section:
    """Tables for people, figures for programs, outcomes by target, and drawings."""

    tables: list[Table] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    drawings: Mapping[str, str] = field(default_factory=dict)
