"""Records what ingest has read of a source and what it has sent: one SQLite file for each source.

The records serve two purposes, resuming and requesting only changes:

- A page sequence that **this run** has visited (in an earlier attempt, which was killed) is not
  fetched again: its links are followed, and its items are counted, from the record.
- A page sequence that the **baseline** has visited (the source's last run, if everything it saw is
  stored) is requested conditionally. If it is unchanged, it becomes a visit of this run, and its
  items are *kept*: listed at the run's end, not sent.

The rules that make this safe against ``kill -9`` at any moment:

1. Messages are held here before they are sent (``hold``), and deleted in the transaction that
   counts them as sent (``confirm``), after the stream has confirmed them. Messages that a killed
   attempt left held may or may not be on the stream; the next attempt sends them again. So every
   item that can have reached the stream is counted, whatever the pages contain by then.
2. A visit is recorded in or after the transaction that confirms the last of its items.
3. Sent items are counted for the whole run, but sending is not skipped for them: a page without a
   visit is read again and all its items are sent again, since it may have changed in between.

Losing the file costs a full crawl and nothing else: a damaged file is quarantined. Memory use is
constant, because rows are read in portions and SQLite computes the sums.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from services.ingest.visits.drift import Tally
from services.ingest.visits.page_results import Visit, page_key
from services.ingest.visits.poster_records import PosterRecords
from services.ingest.visits.visit_rows import RECORD, to_rows, to_visit
from services.ingest.visits.visits_file import FILE, connect, is_damage, quarantine, transaction
from shared.delivery.messages import ledger_id

EXTRACTION_VERSION = 3
"""Part of the fingerprint: increase it when the same page yields other items or links than before.
"""

_NO_EFFECT_ON_CONTENT = {
    "allow_private", "delay_s", "every_s", "max_bytes", "max_depth", "max_pages", "time_limit_s",
    "key_file", "imdb_ids", "tmdb_ids", "ids_from", "poster_hosts",
}  # fmt: skip
_PORTION = 100
_REVIEWS = ledger_id("review", "")

Fields = Mapping[str, str]


class Visits:
    """The visits of one source, for one run. Created by ``open_visits``; used by one thread.

    Every method may raise ``sqlite3.Error``, when the disk is full or the file gets damaged.

    Args:
        connection: The opened visits file.
        run_id: The run that crawls.
        baseline: The run whose visits may be relied on, if any.

    Example::

        visits = open_visits(folder, run_id, baseline=last_run_id, fingerprint=fingerprint)
        if not visits.has_visited(url):
            known = visits.baseline_visit(url)  # with validators for a conditional request
            ...
            visits.hold(messages)  # then send them, and when the stream has confirmed them:
            visits.confirm(ledger_ids, [visit])
    """

    def __init__(self, connection: sqlite3.Connection, run_id: str, baseline: str | None) -> None:
        self._db = connection
        self._run_id = run_id
        self._baseline = baseline
        self.posters = PosterRecords(connection, run_id)
        """The posters of the source."""
        self.pages = self._number(
            "SELECT coalesce(sum(pages), 0) FROM visits WHERE run_id = ? AND NOT is_alias", run_id
        )
        """Number of pages that this run has visited."""
        self.kept_reviews = self._number(
            "SELECT count(*) FROM kept WHERE item GLOB ?", f"{_REVIEWS}*"
        )
        """Number of reviews on unchanged pages."""

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def has_visited(self, url: str) -> bool:
        """Whether this run has visited the page sequence that begins at ``url``."""
        rows = self._db.execute(
            "SELECT 1 FROM visits WHERE url = ? AND run_id = ?", (page_key(url), self._run_id)
        )
        return rows.fetchone() is not None

    def baseline_visit(self, url: str) -> Visit | None:
        """The baseline's visit of the page sequence that begins at ``url``, if any."""
        if self._baseline is None:
            return None
        row = self._db.execute(
            "SELECT * FROM visits WHERE url = ? AND run_id = ?", (page_key(url), self._baseline)
        ).fetchone()
        visit = None if row is None else to_visit(row)
        # With the URL of this call, which may be the one that the page was redirected to.
        return visit and replace(visit, link=replace(visit.link, url=url))

    def had_reviews(self, url: str) -> bool:
        """Whether the page sequence that begins at ``url`` had reviews in its last baseline."""
        rows = self._db.execute(
            "SELECT 1 FROM visits WHERE url = ? AND known_reviews > 0", (page_key(url),)
        )
        return rows.fetchone() is not None

    def of_this_run(self) -> Iterator[Visit]:
        """The visits of this run; may include visits recorded or kept during the iteration."""
        last = 0
        while True:
            rows = self._db.execute(
                "SELECT * FROM visits WHERE run_id = ? AND n > ? ORDER BY n LIMIT ?",
                (self._run_id, last, _PORTION),
            ).fetchall()
            if not rows:
                return
            last = rows[-1]["n"]
            for row in rows:
                visit = to_visit(row)
                if visit is None:  # damaged: the page sequence is read again
                    self._db.execute("UPDATE visits SET run_id = '' WHERE n = ?", (row["n"],))
                else:
                    yield visit

    def keep(self, visit: Visit) -> None:
        """Make a baseline's visit a visit of this run, because none of its pages has changed."""
        with self._writing():
            self._db.execute(
                "UPDATE visits SET run_id = ?, is_kept = 1 WHERE url = ? AND run_id = ?",
                (self._run_id, page_key(visit.link.url), self._baseline),
            )
            new = self._add("kept", visit.items)
        self.pages += len(visit.pages)
        self.kept_reviews += sum(item.startswith(_REVIEWS) for item in new)

    def record(self, visit: Visit) -> None:
        """Record a visit whose items are all confirmed."""
        with self._writing():
            self._record(visit)

    def hold(self, messages: Iterable[tuple[str, Fields]]) -> None:
        """Store messages until the stream has confirmed them.

        Args:
            messages: Ledger id and stream fields of each message.
        """
        with self._writing():
            self._db.executemany(
                "INSERT OR REPLACE INTO held VALUES (?, ?)",
                [(item, json.dumps(dict(fields))) for item, fields in messages],
            )

    def held(self) -> list[tuple[str, Fields]]:
        """The messages that an earlier attempt held when it ended: ledger id and stream fields."""
        rows = self._db.execute("SELECT item, fields FROM held").fetchall()
        return [(row["item"], json.loads(row["fields"])) for row in rows]

    def confirm(self, items: Sequence[str], visits: Iterable[Visit] = ()) -> list[str]:
        """Count items as sent, and record the visits whose last items they are.

        Args:
            items: Ledger ids that the stream has confirmed.
            visits: The visits to record.

        Returns:
            The ledger ids that this run had not sent before.
        """
        with self._writing():
            new = self._add("sent", items)
            self._db.executemany("DELETE FROM held WHERE item = ?", [(item,) for item in items])
            for visit in visits:
                self._record(visit)
        return new

    def sent_items(self) -> Iterator[str]:
        """Ledger ids of the items that all attempts of this run have sent, sorted."""
        return (row[0] for row in self._db.execute("SELECT item FROM sent ORDER BY item"))

    def kept_items(self) -> Iterator[str]:
        """Ledger ids of the items that this run has kept and not sent, sorted."""
        unsent = "SELECT item FROM kept WHERE item NOT IN (SELECT item FROM sent) ORDER BY item"
        return (row[0] for row in self._db.execute(unsent))

    def kept_movies(self) -> int:
        """Number of movies on unchanged pages."""
        return self._number("SELECT count(*) FROM kept WHERE item NOT GLOB ?", f"{_REVIEWS}*")

    def tally(self, unreadable: Mapping[str, int] | None = None) -> Tally:
        """The sums over the page sequences that this run has read.

        Args:
            unreadable: Kind of page to the number of page sequences that could not be read; no
                visits exist for them.
        """
        unreadable = unreadable or {}
        read = "FROM visits WHERE run_id = ? AND NOT is_kept AND NOT is_alias"
        movies, untitled, reviews, textless = self._db.execute(
            "SELECT coalesce(sum(movies), 0), coalesce(sum(untitled), 0),"
            f" coalesce(sum(reviews), 0), coalesce(sum(textless), 0) {read}",
            (self._run_id,),
        ).fetchone()
        changed, emptied = self._db.execute(
            "SELECT count(*), coalesce(sum(reviews = 0), 0) "
            f"{read} AND known_reviews > 0 AND digest != known_digest",
            (self._run_id,),
        ).fetchone()
        readable = dict(
            self._db.execute(f"SELECT kind, count(*) {read} GROUP BY kind", (self._run_id,))
            .fetchall()
        )  # fmt: skip
        return Tally(
            movies=movies,
            untitled=untitled,
            reviews=reviews,
            textless=textless,
            changed=changed,
            emptied=emptied,
            unreadable={
                kind: (count, count + readable.get(kind, 0)) for kind, count in unreadable.items()
            },
        )

    def _record(self, visit: Visit) -> None:
        for row in to_rows(visit, self._run_id):
            self._db.execute(RECORD, row)
        self.pages += len(visit.pages)

    def _add(self, table: Literal["sent", "kept"], items: Iterable[str]) -> list[str]:
        """Add items to a table; returns the items that are new in it."""
        insert = f"INSERT OR IGNORE INTO {table} VALUES (?)"  # noqa: S608
        return [item for item in items if self._db.execute(insert, (item,)).rowcount]

    def _number(self, query: str, *values: str) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with transaction(self._db):
            yield


def fingerprint_of(source: BaseModel) -> str:
    """The parts of a source's configuration and of the code that decide what its pages yield."""
    configuration = source.model_dump(mode="json", exclude=_NO_EFFECT_ON_CONTENT)
    if not configuration.get("posters"):  # an earlier version had none, and nothing is read anew
        configuration.pop("posters", None)
    if configuration.get("trust") == type(source).model_fields["trust"].default:
        configuration.pop("trust")
    return json.dumps([EXTRACTION_VERSION, configuration], sort_keys=True)


def open_visits(
    folder: Path | None, run_id: str, *, baseline: str | None, fingerprint: str
) -> Visits:
    """Open the visits of a source, and delete those that are of no use to this run.

    Args:
        folder: The source's folder, created when it is missing; None keeps the visits in memory.
        run_id: The run that crawls.
        baseline: The run whose visits may be relied on, if any.
        fingerprint: See ``fingerprint_of``; visits with another fingerprint are not relied on.

    Raises:
        OSError: the folder cannot be created.
        sqlite3.Error: the file cannot be opened or written, for another reason than damage.
    """
    if folder is None:
        return _prepared(connect(":memory:"), run_id, baseline, fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    try:
        return _prepared(connect(path), run_id, baseline, fingerprint)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        quarantine(path, str(error))
    return _prepared(connect(path), run_id, None, fingerprint)


def _prepared(
    db: sqlite3.Connection, run_id: str, baseline: str | None, fingerprint: str
) -> Visits:
    try:
        with transaction(db):
            known = dict(db.execute("SELECT name, value FROM about").fetchall())
            if known.get("run") != run_id:
                for table in ("held", "sent", "kept"):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608
            if baseline is not None:
                db.execute(
                    "UPDATE visits SET known_reviews = reviews, known_digest = digest"
                    " WHERE run_id = ?",
                    (baseline,),
                )
                db.execute("DELETE FROM visits WHERE run_id NOT IN (?, ?)", (run_id, baseline))
            usable_runs = run_id, baseline or ""
            if known.get("fingerprint") != fingerprint:
                usable_runs = "", ""
                db.execute("DELETE FROM kept")
            # Of the other visits only the number of reviews remains, to detect drift.
            db.execute(
                "UPDATE visits SET run_id = '', content = x'' WHERE run_id NOT IN (?, ?)",
                usable_runs,
            )
            db.executemany(
                "INSERT OR REPLACE INTO about VALUES (?, ?)",
                [("run", run_id), ("fingerprint", fingerprint)],
            )
        return Visits(db, run_id, baseline)
    except sqlite3.Error:
        db.close()
        raise
