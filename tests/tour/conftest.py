"""Where the tour's steps begin: a database, an encoder, and what the steps before have made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.embedder.database.engine import open_engine
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.tour import journey


@pytest.fixture
def encoder() -> HashEncoder:
    """Turns words into fixed random directions: texts that share words are alike."""
    return HashEncoder(dim=64)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The embedder's database, empty: a SQLite file."""
    opened = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    yield opened
    opened.dispose()


@pytest.fixture
async def stored(engine: Engine) -> Engine:
    """After step 4: the database with the reviews of both pages."""
    await journey.store(engine)
    return engine


@pytest.fixture
def encoded(stored: Engine, encoder: HashEncoder) -> Engine:
    """After step 5: the database with the reviews' vectors, too."""
    journey.encode(stored, encoder)
    return stored


@pytest.fixture
def snapshots(encoded: Engine, encoder: HashEncoder, tmp_path: Path) -> SnapshotStore:
    """After step 7: a snapshot store whose current snapshot holds both movies."""
    journey.publisher(encoded, encoder, tmp_path).publish()
    return SnapshotStore(tmp_path / "snapshots")
