"""What a crawl found and could not read. Pure.

Nothing that could not be read counts as gone: a run that met an unread row, page, block or sitemap
removes nothing, and everything unread is counted and shown with the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

UnreadKind = Literal["value", "row", "page"]


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read.

    Attributes:
        kind: ``value``: a field was left out, its row or review was kept; ``row``: a row was left
            out; ``page``: a page, a block of markup on it, or a sitemap.
        where: The place: a file with its line, or a page, and the field.
        why: What was expected there.
        excerpt: The beginning of what is there instead.
    """

    kind: UnreadKind
    where: str
    why: str
    excerpt: str = ""
