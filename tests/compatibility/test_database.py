"""The embedder's database of c8131ff is upgraded and read."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import SQLModel

from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from tests.compatibility.comparing import (
    Recorded,
    columns_of,
    rows_of,
)
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.stored import backlog


def test_the_database_is_brought_up_to_date_and_keeps_every_row(
    data: Path, recorded: Recorded
) -> None:
    path = data / "movies.sqlite"
    before = rows_of(path)
    assert {name: len(rows) for name, rows in before.items()} == recorded["database"]["rows"]
    open_engine(f"sqlite:///{path}").dispose()
    after = rows_of(path)
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert kept == rows, table
    columns = columns_of(path)
    for ours in SQLModel.metadata.sorted_tables:
        assert set(ours.columns.keys()) <= columns[ours.name], ours.name


def test_its_vectors_its_ledgers_and_its_snapshots_are_read(data: Path, recorded: Recorded) -> None:
    engine = open_engine(f"sqlite:///{data / 'movies.sqlite'}")
    encoder_id = HashEncoder().spec.encoder_id
    assert encoder_id == recorded["encoder_id"]  # else everything would be encoded again
    WorkList(engine, encoder_id)
    assert sorted(item.review_id for item in backlog(engine)) == recorded["database"]["unencoded"]
    named = recorded["named"]
    ledgers = {ledger.run_id: ledger for ledger in Ledgers(engine).open_ledgers()}
    assert set(ledgers) == set(recorded["database"]["open_runs"])
    half = ledgers[named["half stored"]]
    assert (half.source, half.stored, half.items, half.expected) == ("club", 3, 3, None)
    assert Ledgers(engine).unencoded(half.run_id) == 2
    refused = Ledgers(engine).ledger(named["guarded"])
    assert (refused.removed, refused.complete, refused.balanced) == (0, True, True)
    assert "more than half" in (refused.fault or "")
    assert Ledgers(engine).ledger(named["short"]).shortfall == "5 items were sent, 4 arrived"
    records = SnapshotRecords(engine, encoder_id)
    published = records.last_published()
    assert published is not None
    assert [published.sequence, published.snapshot_id] == recorded["database"]["published"][1][:2]
    assert records.changed_since_published()
    assert records.begin(1) == 4  # after the one that was begun and never published
    engine.dispose()
