"""This step records what the old version says of its own files, for the tests to compare with."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .crawl import SITE_MOVIES, SITE_PORT
from .old import old
from .program import OldProgram

SEARCHES: list[dict[str, Any]] = [
    {"query": "a slow film about the sea and growing old", "k": 5, "evidence": 2, "explain": True},
    {"query": "kind and funny", "k": 5, "evidence": 1, "mode": "semantic", "explain": True},
    {"query": "train station war", "k": 5, "evidence": 1, "mode": "lexical", "explain": True},
]


async def record_expectations(program: OldProgram) -> dict[str, Any]:
    """Record what both databases hold, and what is answered over each snapshot.

    The ids in ``named`` are those of ``program``, which later steps add to.
    """
    newer, older = program.store.snapshot_ids()
    return {
        "named": program.named,
        "encoder_id": program.encoder.spec.encoder_id,
        "site_port": SITE_PORT,
        "films": SITE_MOVIES,
        "database": _of_database(program.data / "movies.sqlite"),
        "visits": _of_visits(program.settings.ingest_dir / "demo" / "visits.sqlite"),
        "snapshots": {
            "older": await _answers(program, older),
            "newer": await _answers(program, newer),
        },
    }


async def record_lists(program: OldProgram) -> dict[str, Any]:
    """Record the runs and the dead letters as the old version lists them."""
    letters = await old("shared.dead_letters").list_letters(program.redis)
    return {
        "runs": [
            run.model_dump(mode="json")
            for run in await program.runs.list_runs(program.redis, limit=200)
        ],
        "dead_letters": [one.model_dump(mode="json") for one in letters],
    }


async def _answers(program: OldProgram, snapshot_id: str) -> dict[str, Any]:
    """Record what the query service answers over a snapshot."""
    support = old("tests.support.query_service")
    old("shared.snapshot.activation").activate(
        program.store, snapshot_id, encoder_id=program.encoder.spec.encoder_id
    )
    with tempfile.TemporaryDirectory() as leases:
        settings = support.query_settings(program.data, lease_dir=leases)
        async with support.running_query(settings, support.always(program.encoder)) as running:
            await running.reload()
            answers = []
            for body in SEARCHES:
                response = await running.client.post("/search", json=body)
                assert response.status_code == 200, response.text
                answer = response.json()
                assert answer["hits"], body
                del answer["took_ms"]
                answers.append({"request": body, "answer": answer})
            movie = answers[0]["answer"]["hits"][0]["movie"]["movie_id"]
            return {
                "snapshot_id": snapshot_id,
                "counts": program.store.manifest(snapshot_id).counts.model_dump(),
                "searches": answers,
                "film": (await running.client.get(f"/movies/{movie}")).json(),
                "facets": (await running.client.get("/facets")).json(),
                "map": (await running.client.get("/map")).json(),
            }


def _of_database(path: Path) -> dict[str, Any]:
    """Count the rows of each table of ``movies.sqlite``, and list what the tests name."""
    db = sqlite3.connect(path)
    tables = [
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    ]
    assert not _unused_columns(db, tables)
    recorded = {
        "rows": {
            name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for name in tables
        },
        "unencoded": [
            name for (name,) in db.execute("SELECT review_id FROM unencoded_reviews ORDER BY 1")
        ],
        "reviews_by_source": dict(
            db.execute("SELECT source, count(*) FROM reviews GROUP BY 1 ORDER BY 1").fetchall()
        ),
        "passages": db.execute("SELECT sum(passages) FROM review_vectors").fetchone()[0],
        "open_runs": [
            name for (name,) in db.execute("SELECT run_id FROM run_ledgers WHERE NOT closed")
        ],
        "removed_movies": [
            name for (name,) in db.execute("SELECT movie_id FROM removed_movies ORDER BY 1")
        ],
        "published": [
            list(row)
            for row in db.execute(
                "SELECT sequence, snapshot_id, revision, movies FROM snapshots ORDER BY 1"
            )
        ],
    }
    db.close()
    return recorded


def _unused_columns(db: sqlite3.Connection, tables: Sequence[str]) -> list[str]:
    """List the columns in which no row has a value."""
    return [
        f"{table}.{column[1]}"
        for table in tables
        for column in db.execute(f"PRAGMA table_info({table})").fetchall()
        if not db.execute(f"SELECT count({column[1]}) FROM {table}").fetchone()[0]  # noqa: S608
    ]


def _of_visits(path: Path) -> dict[str, Any]:
    """Count the rows of a source's remembered visits, and those of its last run."""
    db = sqlite3.connect(path)
    recorded = {
        "about": dict(db.execute("SELECT name, value FROM about").fetchall()),
        "rows": {
            name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for name in ("visits", "held", "sent", "kept")
        },
        "of_the_last_run": db.execute(
            "SELECT count(*) FROM visits JOIN about ON name = 'run' AND value = run_id"
        ).fetchone()[0],
    }
    db.close()
    return recorded
