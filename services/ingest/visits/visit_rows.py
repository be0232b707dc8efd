"""Converts visits to rows of the visits file, and back."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

from services.ingest.visits.page_results import FetchedPage, Findings, Link, Visit, page_key
from shared.telemetry import get_logger

RECORD = """
INSERT INTO visits (url, is_alias, run_id, is_kept, kind, about, pages, content, depth, fetched_at,
                    digest, movies, untitled, reviews, textless)
VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (url) DO UPDATE SET
  is_alias = excluded.is_alias, run_id = excluded.run_id, is_kept = 0, kind = excluded.kind,
  about = excluded.about, pages = excluded.pages, content = excluded.content,
  depth = excluded.depth, fetched_at = excluded.fetched_at, digest = excluded.digest,
  movies = excluded.movies, untitled = excluded.untitled, reviews = excluded.reviews,
  textless = excluded.textless
"""


def to_rows(visit: Visit, run_id: str) -> Iterator[tuple[object, ...]]:
    """The values for ``RECORD``: one row for each URL under which the visit can be looked up.

    Args:
        visit: A page sequence that was read to its end.
        run_id: The run that made it.
    """
    first, findings = visit.pages[0], visit.findings
    keys = dict.fromkeys((page_key(first.url), page_key(first.final_url)))
    for at, url in enumerate(keys):
        yield (
            url, at > 0, run_id, visit.link.kind, visit.link.about, len(visit.pages), _pack(visit),
            visit.depth, visit.fetched_at.timestamp(), visit.digest, findings.movies,
            findings.untitled, findings.reviews, findings.textless,
        )  # fmt: skip


def to_visit(row: sqlite3.Row) -> Visit | None:
    """The visit of a row; None when the row is damaged."""
    try:
        pages, links, items = json.loads(zlib.decompress(row["content"]))
    except (zlib.error, ValueError) as error:
        get_logger().warning("visit unreadable", url=row["url"], reason=str(error))
        return None
    return Visit(
        link=Link(pages[0][0], row["kind"], row["about"]),
        pages=tuple(FetchedPage(*page) for page in pages),
        links=tuple(Link(*link) for link in links),
        depth=row["depth"],
        fetched_at=datetime.fromtimestamp(row["fetched_at"], UTC),
        digest=row["digest"],
        findings=Findings(row["movies"], row["untitled"], row["reviews"], row["textless"]),
        items=tuple(items),
    )


def _pack(visit: Visit) -> bytes:
    content = (
        [[p.url, p.final_url, p.etag, p.last_modified] for p in visit.pages],
        [[link.url, link.kind, link.about] for link in visit.links],
        visit.items,
    )
    return zlib.compress(json.dumps(content).encode())
