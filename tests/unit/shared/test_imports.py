"""Imports without side effects: only ``shared.encoder`` changes ``sys.modules``, for OpenVINO."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.support.house import House

BARE_IMPORT = """
import sys
before = set(sys.modules)
import shared
added = set(sys.modules) - before
assert added == {"shared"}, added
"""

ENCODER_IMPORT = """
import sys
import threading
import shared.encoder
assert "openvino" in sys.modules
assert sys.modules["openvino_telemetry"] is None
assert threading.active_count() == 1, threading.enumerate()
"""


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_importing_shared_changes_nothing_else() -> None:
    run(BARE_IMPORT)


def test_importing_the_encoder_starts_no_telemetry() -> None:
    run(ENCODER_IMPORT)


def test_openvino_is_imported_in_one_module_only() -> None:
    """Any other import of it might come first, and start its telemetry."""
    importers = [
        str(module.path)
        for module in House().deployed
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Import) and any(n.name.startswith("openvino") for n in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openvino"))
    ]
    assert set(importers) == {"shared/encoder/runtime.py"}
