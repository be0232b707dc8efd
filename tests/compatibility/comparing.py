"""What was recorded at commit c8131ff, and how today's answers are compared with it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.query.settings import QuerySettings
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, running_query

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SNAPSHOTS = ("older", "newer")

Recorded = dict[str, Any]


@asynccontextmanager
async def serving(settings: QuerySettings) -> AsyncIterator[RunningQuery]:
    async with running_query(settings, always(HashEncoder())) as running:
        await running.reload()
        yield running


async def ask(query: RunningQuery, path: str) -> Any:
    response = await query.client.get(path, headers=BEARER)
    assert response.status_code == 200, response.text
    return response.json()


def assert_resembles(found: object, before: object) -> None:
    """All that was there before is there; a later version may say more, and round otherwise."""
    if isinstance(before, dict):
        assert isinstance(found, dict)
        assert before.keys() <= found.keys()
        for name, value in before.items():
            if name == "evidence":
                assert_quotes(found[name], value)
            else:
                assert_resembles(found[name], value)
    elif isinstance(before, list):
        assert isinstance(found, list)
        assert len(found) == len(before)
        for one, other in zip(found, before, strict=True):
            assert_resembles(one, other)
    elif isinstance(before, float):
        assert found == pytest.approx(before, rel=1e-5, abs=1e-5)
    else:
        assert found == before


def assert_quotes(found: Recorded | list[Any], before: list[Recorded]) -> None:
    """Evidence says as much as before; c8131ff quoted pans and denials, so it may differ."""
    assert isinstance(found, list)
    assert len(found) == len(before)
    for one, other in zip(found, before, strict=True):
        assert other.keys() <= one.keys()


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of a database, without any code of ours."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        name: [dict(row) for row in db.execute(f"SELECT * FROM {name} ORDER BY rowid")]  # noqa: S608
        for name in names
    }
    db.close()
    return found


def columns_of(path: Path) -> dict[str, set[str]]:
    db = sqlite3.connect(path)
    found = {
        table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    }
    db.close()
    return found
