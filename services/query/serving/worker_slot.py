"""A query worker's place among the others: what the parent hands to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """A worker's place among the others.

    Attributes:
        number: From 1.
        folder: Where workers keep what they share: metrics, proofs.
        replaces: Whether a worker was here before, and others answer meanwhile.
    """

    number: int
    folder: Path
    replaces: bool = False
