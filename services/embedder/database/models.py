"""The database tables. SQL is the only truth; vectors and snapshots can be rebuilt from reviews.

``revision`` numbers every change: a film's revision is that of the last change to it, its reviews
or their vectors, so "changed since the last snapshot" is one comparison. Moments are seconds since
1970, so that SQL itself can subtract them.

What a later version adds must be a table, or a column that may be null or has a default in the
database: an older database is brought up to date as it is opened (``schema``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Index, LargeBinary, Text, false
from sqlmodel import Field, SQLModel


class MovieRow(SQLModel, table=True):
    """A film. Made empty when a review of it arrives first."""

    __tablename__ = "movies"

    movie_id: str = Field(primary_key=True)
    title: str | None = None
    year: int | None = None
    genres: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    directors: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    description: str | None = Field(default=None, sa_column=Column(Text))
    rating: float | None = None
    url: str | None = None
    source: str
    fetched_at: float | None = None
    revision: int = Field(index=True)


class ReviewRow(SQLModel, table=True):
    """A review; ``content_sha256`` covers all of it, ``text_sha256`` what is encoded."""

    __tablename__ = "reviews"
    __table_args__: Any = (Index("reviews_by_movie", "movie_id", "review_id"),)

    review_id: str = Field(primary_key=True)
    movie_id: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    rating: float | None = None
    title: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None
    language: str | None = None
    spoiler: bool | None = None
    source: str
    content_sha256: str
    text_sha256: str
    fetched_at: float | None = None


class ReviewVectorsRow(SQLModel, table=True):
    """The vectors of a review's passages.

    A row counts only while its ``encoder_id`` is the encoder in use and its ``text_sha256`` is
    its review's. ``spans`` is int32 ``(n, 2)``, ``vectors`` float16 ``(n, dim)``, both
    little-endian; n is 0 for a review whose vectors were not finite (quarantined).
    """

    __tablename__ = "review_vectors"

    review_id: str = Field(primary_key=True)
    encoder_id: str
    text_sha256: str
    passages: int
    spans: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    vectors: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class UnencodedRow(SQLModel, table=True):
    """The work list: reviews whose vectors are missing, or are not of their text.

    An embedder that encodes a review has claimed it until ``claimed_until``.
    """

    __tablename__ = "unencoded_reviews"
    __table_args__: Any = (Index("unencoded_by_movie", "movie_id", "review_id"),)

    review_id: str = Field(primary_key=True)
    movie_id: str
    claimed_by: str | None = None
    claimed_until: float | None = None


class SourceItemRow(SQLModel, table=True):
    """A source has a movie or a review (``item`` is its ledger id).

    ``added_by`` is the run that first saw it there; null when that was before these rows were
    kept. A review that no source has is deleted.
    """

    __tablename__ = "source_items"

    source: str = Field(primary_key=True)
    item: str = Field(primary_key=True, index=True)
    added_by: str | None = None


class RemovedMovieRow(SQLModel, table=True):
    """A film that removals have taken out of search, until it has a review again."""

    __tablename__ = "removed_movies"

    movie_id: str = Field(primary_key=True)
    revision: int = Field(index=True)


class RunLedgerRow(SQLModel, table=True):
    """What has arrived of a run, and what its end said should.

    ``items`` and ``checksum`` are of the movies and reviews that were sent, ``kept_items`` and
    ``kept_checksum`` of those that were only named as kept. ``stored``, ``duplicate``, ``dead``,
    ``kept`` and ``removed`` count reviews. ``removed`` is null until it has been decided what the
    run removes; ``fault`` then says why the run cannot be searchable, if it cannot.
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
    """Each movie and review of an open run, once, however often it is delivered.

    ``outcome`` is "stored" (new or changed), "duplicate", "dead" or "kept"; while the removals of
    a complete run are worked out, also "gone". ``revision`` is that of the change which stored the
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
    """A snapshot that was begun; ``snapshot_id`` is set once it is durable and current."""

    __tablename__ = "snapshots"

    sequence: int | None = Field(default=None, primary_key=True)
    snapshot_id: str | None = None
    revision: int
    encoder_id: str
    movies: int = 0
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    published_at: float | None = None


class RevisionRow(SQLModel, table=True):
    """The one row that numbers changes; locked by whoever is changing something."""

    __tablename__ = "revision"

    only: int = Field(default=1, primary_key=True)
    value: int = 0
