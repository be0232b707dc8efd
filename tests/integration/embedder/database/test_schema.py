"""A database of an earlier version is upgraded, or refused with a message of one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlmodel import SQLModel

from services.embedder.database.engine import open_engine, reading, writing
from services.embedder.database.run_ledger import Ledgers, record_end
from services.embedder.database.schema import SchemaIncompatible
from services.embedder.database.work_list import WorkList
from shared.delivery.messages import RunEnd, checksum_of_ids
from tests.support.embedder.stored import backlog

# As the first version made it; {BYTES} and {MOMENT} differ between the dialects.
FIRST_VERSION = """
CREATE TABLE movies (movie_id VARCHAR NOT NULL, title VARCHAR, year INTEGER, genres JSON NOT NULL,
  directors JSON NOT NULL, description TEXT, rating FLOAT, url VARCHAR, source VARCHAR NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY (movie_id));
CREATE INDEX ix_movies_revision ON movies (revision);
CREATE TABLE review_vectors (review_id VARCHAR NOT NULL, encoder_id VARCHAR NOT NULL,
  text_sha256 VARCHAR NOT NULL, passages INTEGER NOT NULL, spans {BYTES} NOT NULL,
  vectors {BYTES} NOT NULL, PRIMARY KEY (review_id));
CREATE TABLE reviews (review_id VARCHAR NOT NULL, movie_id VARCHAR NOT NULL, text TEXT NOT NULL,
  rating FLOAT, title VARCHAR, author VARCHAR, published VARCHAR, url VARCHAR, language VARCHAR,
  spoiler BOOLEAN, source VARCHAR NOT NULL, content_sha256 VARCHAR NOT NULL,
  text_sha256 VARCHAR NOT NULL, PRIMARY KEY (review_id));
CREATE INDEX reviews_by_movie ON reviews (movie_id, review_id);
CREATE TABLE revision ("only" INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY ("only"));
CREATE TABLE run_items (run_id VARCHAR NOT NULL, item VARCHAR NOT NULL, review_id VARCHAR,
  outcome VARCHAR NOT NULL, PRIMARY KEY (run_id, item));
CREATE TABLE run_ledgers (run_id VARCHAR NOT NULL, source VARCHAR NOT NULL, items INTEGER NOT NULL,
  checksum VARCHAR NOT NULL, stored INTEGER NOT NULL, duplicate INTEGER NOT NULL,
  dead INTEGER NOT NULL, expected INTEGER, expected_checksum VARCHAR, end_entry VARCHAR,
  closed BOOLEAN NOT NULL, PRIMARY KEY (run_id));
CREATE INDEX ix_run_ledgers_closed ON run_ledgers (closed);
CREATE TABLE snapshots (sequence INTEGER NOT NULL, snapshot_id VARCHAR, revision INTEGER NOT NULL,
  encoder_id VARCHAR NOT NULL, movies INTEGER NOT NULL, created_at {MOMENT} NOT NULL,
  PRIMARY KEY (sequence));
"""
ITS_ROWS = """
INSERT INTO revision VALUES (1, 7);
INSERT INTO movies VALUES ('tt1', 'One', 1994, '["Drama"]', '[]', NULL, 8.1, NULL, 'demo', 6);
INSERT INTO reviews VALUES ('demo:1', 'tt1', 'Fine.', 9, NULL, NULL, NULL, NULL, NULL, NULL,
  'demo', 'c1', 't1');
INSERT INTO reviews VALUES ('other:1', 'tt1', 'Dull.', 2, NULL, NULL, NULL, NULL, NULL, NULL,
  'other', 'c2', 't2');
INSERT INTO review_vectors VALUES ('demo:1', 'encoder', 't1', 0, '', '');
INSERT INTO run_ledgers VALUES ('run-1', 'demo', 1, '{CHECKSUM}', 1, 0, 0, NULL, NULL, NULL,
  {FALSE});
INSERT INTO run_items VALUES ('run-1', 'review/demo:1', 'demo:1', 'stored');
INSERT INTO snapshots VALUES (3, '00000003-abcdef01', 6, 'encoder', 1, '2026-01-01 00:00:00');
"""


def build(url: str, *scripts: str) -> None:
    """Run statements on a database, without the embedder's code."""
    plain = create_engine(url)
    on_postgres = plain.dialect.name == "postgresql"
    words = {
        "{BYTES}": "BYTEA" if on_postgres else "BLOB",
        "{MOMENT}": "TIMESTAMP WITH TIME ZONE" if on_postgres else "DATETIME",
        "{FALSE}": "false" if on_postgres else "0",
        "{CHECKSUM}": str(checksum_of_ids(["review/demo:1"])),
    }
    with plain.begin() as connection:
        for statement in "".join(scripts).split(";"):
            for word, meaning in words.items():
                statement = statement.replace(word, meaning)  # noqa: PLW2901
            if statement.strip():
                connection.exec_driver_sql(statement)
    plain.dispose()


def column_names(engine: Engine) -> dict[str, set[str]]:
    inspector = inspect(engine)
    return {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
    }


@pytest.fixture
def migrated(database_url: str) -> Iterator[Engine]:
    build(database_url, FIRST_VERSION, ITS_ROWS)
    open_engine(database_url).dispose()
    opened = open_engine(database_url)  # opened a second time: nothing is added twice
    yield opened
    opened.dispose()


def test_a_database_of_the_first_version_gets_what_it_lacks(migrated: Engine) -> None:
    columns = column_names(migrated)
    indexes = inspect(migrated)
    for table in SQLModel.metadata.sorted_tables:
        assert set(table.columns.keys()) == columns[table.name], table.name
        names = {index["name"] for index in indexes.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= names, table.name
    with reading(migrated) as connection:
        rows = connection.execute(text("SELECT review_id, text FROM reviews ORDER BY 1")).all()
        assert [tuple(row) for row in rows] == [("demo:1", "Fine."), ("other:1", "Dull.")]
        assert connection.execute(text("SELECT value FROM revision")).scalar_one() == 7


def test_the_sources_of_what_it_holds_are_derived(migrated: Engine) -> None:
    with reading(migrated) as connection:
        rows = connection.execute(
            text("SELECT source, item, added_by FROM source_items ORDER BY source, item")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("demo", "movie/tt1", None),
        ("demo", "review/demo:1", None),
        ("other", "review/other:1", None),
    ]


def test_its_work_list_and_its_open_run_go_on(migrated: Engine) -> None:
    WorkList(migrated, "encoder")
    assert [item.review_id for item in backlog(migrated)] == ["other:1"]
    with writing(migrated) as connection:
        checksum = checksum_of_ids(["review/demo:1"])
        end = RunEnd(run_id="run-1", source="demo", emitted=1, checksum=checksum)
        record_end(connection, end, "1-0")
    [ledger] = Ledgers(migrated).open_ledgers()
    assert (ledger.balanced, ledger.undecided, ledger.kept_items) == (True, False, 0)


def test_rows_that_later_crawls_dropped_are_not_derived_again(migrated: Engine) -> None:
    with writing(migrated) as connection:
        connection.execute(text("DELETE FROM source_items WHERE source = 'other'"))
    url = migrated.url.render_as_string(hide_password=False)
    again = open_engine(url)
    with reading(again) as connection:
        count = connection.execute(text("SELECT count(*) FROM source_items")).scalar_one()
    again.dispose()
    assert count == 2


LACKS_A_REQUIRED_COLUMN = """
ALTER TABLE reviews ADD COLUMN sentiment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE movies DROP COLUMN source;
"""
OF_ANOTHER_PROGRAM = """
DROP TABLE movies;
CREATE TABLE movies (id INTEGER PRIMARY KEY, title VARCHAR);
"""
OF_A_LATER_VERSION = """
DROP TABLE revision;
CREATE TABLE revision ("only" INTEGER PRIMARY KEY, value INTEGER NOT NULL, epoch INTEGER NOT NULL);
"""


@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        (LACKS_A_REQUIRED_COLUMN, "movies has no column source, and it cannot be added"),
        (OF_ANOTHER_PROGRAM, "movies has the key (id) and not (movie_id)"),
        (OF_A_LATER_VERSION, "revision requires a column epoch that this version does not know"),
    ],
)
def test_what_additions_cannot_mend_is_refused_untouched(
    database_url: str, statements: str, complaint: str
) -> None:
    build(database_url, FIRST_VERSION, statements)
    plain = create_engine(database_url)
    before = column_names(plain)
    with pytest.raises(SchemaIncompatible) as refused:
        open_engine(database_url)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert column_names(plain) == before
    plain.dispose()
