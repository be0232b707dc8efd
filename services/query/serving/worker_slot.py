"""The slot of a worker process, which its parent hands to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """The slot of one worker among several.

    Attributes:
        number: Number of the slot, from 1.
        folder: Folder of the files that the workers share: metrics and verification results.
        replaces: Whether the worker replaces one that ended, while the others serve requests.
    """

    number: int
    folder: Path
    replaces: bool = False
