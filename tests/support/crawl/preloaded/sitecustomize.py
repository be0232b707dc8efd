"""Changes a crawl's process before it starts; Python imports it where this folder is on its path.

``CRAWL_BOUNDS`` has other bounds than production: CPU seconds for a page, until the process is
ended, and for an item. ``CRAWL_STUCK`` names a file; where it is set, the first text of a page is
read by a regular expression that takes for ever, after the file has been written.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path


def _change_crawl() -> None:
    from services.ingest.delivery import pipeline  # noqa: PLC0415 - only in a crawl's process
    from services.ingest.pages import cleaning  # noqa: PLC0415
    from services.ingest.visits import page_reading  # noqa: PLC0415

    if bounds := os.environ.get("CRAWL_BOUNDS"):
        for module, name, value in zip(
            (page_reading, page_reading, pipeline),
            ("PAGE_CPU_S", "PAGE_FATAL_S", "ITEM_CPU_S"),
            json.loads(bounds),
            strict=True,
        ):
            setattr(module, name, value)
    if file := os.environ.get("CRAWL_STUCK"):

        def stuck(_: str) -> str:
            Path(file).touch()
            re.match(r"(a|aa)+$", "a" * 80 + "b")
            return ""

        for module in list(sys.modules.values()):
            if getattr(module, "clean_text", None) is cleaning.clean_text:
                setattr(module, "clean_text", stuck)  # noqa: B010 - not every module has it


if "services.ingest.crawl" in sys.orig_argv:
    _change_crawl()
