"""The modules of c8131ff are imported here, and the names that all steps use are defined here."""

from __future__ import annotations

import importlib
from typing import Any

HOST = "old-host"
"""The name of the machine, as far as the old version can see."""
SUPERVISOR = f"{HOST}-00000001"
"""The holder of the leases that ingest takes on its runs."""
EMBEDDER = "embedder-1"
DEAD_EMBEDDER = "embedder-2"


def old(name: str) -> Any:
    """Import a module from the checkout that the generator is run in."""
    return importlib.import_module(name)
