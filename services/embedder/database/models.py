"""The database tables. SQL holds the original data; vectors and snapshots are made from reviews.

The columns of movies and reviews are the fields of ``shared.record``, so a fact that is declared
there is stored without a further step.

``revision`` numbers every change: a movie's revision is that of the last change to it, its reviews
or their vectors, so "changed since the last snapshot" is one comparison. Times are seconds since
1970, so that SQL can subtract them.

A later version may only add tables, and columns that are nullable or have a default in the
database: an older database is upgraded when it is opened (``schema``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
)
from sqlmodel import Field, SQLModel

from shared.record import MOVIE_FIELDS, REVIEW_FACTS, RecordField

_SQL_TYPES = {str: Text, int: Integer, float: Float, bool: Boolean, tuple: JSON}


def _columns(record: Iterable[RecordField]) -> Iterator[Column[Any]]:
    """One column for each field of a record; a list is never null, and empty by default."""
    for field in record:
        is_list = field.type is tuple
        yield Column(
            field.name,
            BigInteger() if field.name == "votes" else _SQL_TYPES[field.type](),
            nullable=not (is_list or field.is_required),
            server_default="[]" if is_list else None,
        )


# A movie has no facts yet if a review of it arrives first.
MOVIES = Table(
    "movies",
    SQLModel.metadata,
    Column("movie_id", String, primary_key=True),
    *_columns(MOVIE_FIELDS[1:]),
    Column("source", String, nullable=False),
    Column("fetched_at", Float),
    Column("revision", Integer, nullable=False, index=True),
)

# What one source tells of a movie; ``facts`` has only what it knows. ``MOVIES`` is made from these
# rows (``believed_facts``). Rows of the source "" are of an earlier version, which stored what
# several sources told together.
TOLD_FACTS = Table(
    "told_facts",
    SQLModel.metadata,
    Column("movie_id", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("trust", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("fetched_at", Float),
)

# ``content_sha256`` covers the whole review, ``text_sha256`` the text that is encoded.
REVIEWS = Table(
    "reviews",
    SQLModel.metadata,
    Column("review_id", String, primary_key=True),
    Column("movie_id", String, nullable=False),
    Column("text", Text, nullable=False),
    *_columns(REVIEW_FACTS),
    Column("source", String, nullable=False),
    Column("content_sha256", String, nullable=False),
    Column("text_sha256", String, nullable=False),
    Column("fetched_at", Float),
    Index("reviews_by_movie", "movie_id", "review_id"),
)


# What further sources tell of a review (``review_versions``); ``REVIEWS`` has the first source's.
OTHER_REVIEWS = Table(
    "other_reviews",
    SQLModel.metadata,
    Column("review_id", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("review", JSON, nullable=False),
)


class ReviewVectorsRow(SQLModel, table=True):
    """The vectors of a review's passages.

    A row counts only while its ``encoder_id`` is the encoder in use and its ``text_sha256`` is
    its review's. ``spans`` is int32 ``(n, 2)``, ``vectors`` float16 ``(n, dim)``, both
    little-endian; n is 0 for a review whose vectors were not finite (quarantined).
    """

    __tablename__ = "review_vectors"

    review_id: str = Field(primary_key=True)
    encoder_id: str
    text_sha256: str = Field(index=True)
    passages: int
    spans: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    vectors: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class UnencodedRow(SQLModel, table=True):
    """The work list: reviews without vectors of their current text.

    The embedder ``claimed_by`` encodes the review, until it ends. Each claim is one of its
    ``attempts`` until it is encoded. ``error`` is why the last one failed; null if it did not, or
    ended the embedder's process.
    """

    __tablename__ = "unencoded_reviews"
    __table_args__: Any = (Index("unencoded_by_movie", "movie_id", "review_id"),)

    review_id: str = Field(primary_key=True)
    movie_id: str
    claimed_by: str | None = None
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    error: str | None = None


class SourceItemRow(SQLModel, table=True):
    """A movie or review that a source has (``item`` is its ledger id).

    ``added_by`` is the run that first saw it there; null if that was before this table existed. A
    review that no source has is deleted.
    """

    __tablename__ = "source_items"

    source: str = Field(primary_key=True)
    item: str = Field(primary_key=True, index=True)
    added_by: str | None = None


class PosterRow(SQLModel, table=True):
    """A picture, by a hash of the address under which movies name it (``poster_url``)."""

    __tablename__ = "posters"

    url_sha256: str = Field(primary_key=True)
    url: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(index=True)
    image: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    stored_at: float


class FormerMovieIdRow(SQLModel, table=True):
    """An id under which an earlier version knew a movie; several movies may have had one id."""

    __tablename__ = "former_movie_ids"

    former_id: str = Field(primary_key=True)
    movie_id: str = Field(primary_key=True, index=True)


MOVIES_NAMED = "movies have the names of their sources"
"""The step that gives movies of an earlier version their ids (``former_ids``)."""


class UpgradeStepRow(SQLModel, table=True):
    """A change to the rows of an earlier version that has been carried out to its end."""

    __tablename__ = "upgrade_steps"

    name: str = Field(primary_key=True)


class WithheldRow(SQLModel, table=True):
    """A source, movie or review that an operator has removed, so that no crawl brings it back.

    ``within`` is the movie with which a review was removed; null if it was removed by itself.
    """

    __tablename__ = "withheld_items"

    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    within: str | None = Field(default=None, index=True)


class RemovedMovieRow(SQLModel, table=True):
    """A movie that removals have taken out of search, until it can be found again."""

    __tablename__ = "removed_movies"

    movie_id: str = Field(primary_key=True)
    revision: int = Field(index=True)


class RunLedgerRow(SQLModel, table=True):
    """What has arrived of a run, and what its end message expects.

    ``items`` and ``checksum`` cover the movies and reviews that were sent, ``kept_items`` and
    ``kept_checksum`` those that were only named as kept. ``stored``, ``duplicate``, ``dead``,
    ``kept`` and ``removed`` count reviews. ``removed`` is null until the removals of the run have
    been decided; ``fault`` then says why the run cannot become searchable, if it cannot.
    """

    __tablename__ = "run_ledgers"

    run_id: str = Field(primary_key=True)
    source: str
    items: int = 0
    checksum: str = "0"
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    kept: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    kept_items: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    kept_checksum: str = Field(default="0", sa_column_kwargs={"server_default": "0"})
    expected: int | None = None
    expected_checksum: str | None = None
    expected_kept: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    expected_kept_checksum: str = Field(default="0", sa_column_kwargs={"server_default": "0"})
    complete: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    end_entry: str | None = None
    removed: int | None = None
    fault: str | None = None
    closed: bool = Field(default=False, index=True)


class RunItemRow(SQLModel, table=True):
    """Each movie and review of an open run, one row for any number of deliveries.

    ``outcome`` is "stored" (new or changed), "duplicate", "dead" or "kept"; while the removals of
    a complete run are decided, also "gone". ``revision`` is that of the change which stored the
    item or, later, its vectors: a snapshot of at least that revision holds it, if it is encoded.
    """

    __tablename__ = "run_items"

    run_id: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    review_id: str | None = None
    outcome: str
    revision: int | None = None
    fetched_at: float | None = None
    searchable_at: float | None = None


class SnapshotRow(SQLModel, table=True):
    """A snapshot that was started; ``snapshot_id`` is set once it is durable and current.

    ``unreviewed`` says that it holds movies without reviews, too; an earlier version left them out.
    """

    __tablename__ = "snapshots"

    sequence: int | None = Field(default=None, primary_key=True)
    snapshot_id: str | None = None
    revision: int
    encoder_id: str
    movies: int = 0
    unreviewed: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    published_at: float | None = None


class RevisionRow(SQLModel, table=True):
    """The one row that numbers changes; every transaction that changes content locks it."""

    __tablename__ = "revision"

    only: int = Field(default=1, primary_key=True)
    value: int = 0
