"""Figures in a document: only the benchmark writes them, between markers. Pure.

``<!-- bench:NAME -->`` begins a place and ``<!-- /bench:NAME -->`` ends it. The text between them
is replaced; everything else stays as people wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = r"[a-z][a-z0-9-]*"


class MarkerMissing(ValueError):
    """The document has no such place, or the place has no end marker."""


def places(document: str) -> list[str]:
    """Names of the places of a document, in order."""
    return re.findall(rf"^<!-- bench:({_NAME}) -->$", document, flags=re.MULTILINE)


def written(document: str, texts: Mapping[str, str]) -> str:
    """The document with texts in their places; other places keep their text.

    Raises:
        MarkerMissing: a text has no place.
    """
    for name, text in texts.items():
        begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        pattern = re.compile(
            rf"^{re.escape(begin)}$.*?^{re.escape(end)}$", flags=re.MULTILINE | re.DOTALL
        )
        whole = f"{begin}\n\n{text.strip()}\n\n{end}"
        document, count = pattern.subn(whole.replace("\\", "\\\\"), document)
        if count != 1:
            raise MarkerMissing(f"the document has {count} places named {name!r}, not one")
    return document
