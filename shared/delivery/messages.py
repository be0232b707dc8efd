"""What travels on the streams: versioned, frozen models, and their stream fields.

An entry of a stream is a flat map of strings::

    v     message version
    kind  "movie" | "review" | "kept" | "run_end" | "ingest"
    run   run id
    id    what the message is about: movie id, review id, or the run's own id
    body  the model as JSON

``run`` and ``id`` stand outside the body so that an entry whose body cannot be read is still
counted for its run and can be named in a dead letter. Pure: no IO.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

VERSION = 1

REVIEWS_STREAM = "reviews"
DEAD_LETTERS_STREAM = "reviews.dead"
COMMANDS_STREAM = "ingest.commands"
EMBEDDER_GROUP = "embedder"
INGEST_GROUP = "ingest"
SNAPSHOTS_CHANNEL = "snapshots"  # announcements: a hint only, pub/sub is at-most-once

MAX_REVIEW_CHARS = 50_000
MAX_TITLE_CHARS = 500
MAX_DESCRIPTION_CHARS = 5_000
MAX_KEPT_ITEMS = 500
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:~-]*$"

MovieId = Annotated[str, Field(min_length=1, max_length=64, pattern=ID_PATTERN)]
ReviewId = Annotated[str, Field(min_length=1, max_length=160, pattern=ID_PATTERN)]
RunId = Annotated[str, Field(min_length=1, max_length=64, pattern=ID_PATTERN)]
SourceName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Url = Annotated[str, Field(max_length=2048, pattern=r"^https?://")]
Rating = Annotated[float, Field(ge=0, le=10)]


class MessageInvalid(ValueError):
    """A stream entry is not a message of a known kind and version; the message says why."""


def checksum_of_ids(ids: Iterable[str]) -> int:
    """Order-free checksum of distinct ids: the sum of their 64-bit hashes, modulo 2**64.

    A sum, so that sender and receiver can each add one id at a time and in any order.
    """
    total = 0
    for item in ids:
        digest = hashlib.blake2b(item.encode(), digest_size=8).digest()
        total += int.from_bytes(digest, "big")
    return total % 2**64


def hashed_review_id(source: str, url: str | None, text: str) -> str:
    """A stable id for a review whose source gives it none: hash of canonical url and NFC text."""
    payload = f"{url or ''}\n{unicodedata.normalize('NFC', text)}"
    return f"{source}:{hashlib.sha256(payload.encode()).hexdigest()[:32]}"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Movie(_Frozen):
    """A film as its source describes it. Only the id is certain."""

    movie_id: MovieId
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS)] | None = None
    year: Annotated[int, Field(ge=1870, le=2100)] | None = None
    genres: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = ()
    directors: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION_CHARS)] | None = None
    rating: Rating | None = None
    url: Url | None = None


class Review(_Frozen):
    """One viewer's review of one film; ``text`` is cleaned, NFC, without markup."""

    review_id: ReviewId
    movie_id: MovieId
    text: Annotated[str, Field(min_length=1, max_length=MAX_REVIEW_CHARS)]
    rating: Rating | None = None
    title: Annotated[str, Field(max_length=MAX_TITLE_CHARS)] | None = None
    author: Annotated[str, Field(max_length=200)] | None = None
    published: date | None = None
    url: Url | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    spoiler: bool | None = None

    @field_validator("text", "title", "author", mode="after")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        # PostgreSQL refuses NUL, and UTF-8 refuses lone surrogates.
        if value is not None and _UNSTORABLE.search(value):
            raise ValueError("NUL or lone surrogate in text")
        return value


class _Message(_Frozen):
    kind: ClassVar[str]
    run_id: RunId
    source: SourceName

    @property
    def item_id(self) -> str:
        """What the message is about, unique within its kind and run."""
        return self.run_id

    def to_fields(self) -> dict[str, str]:
        """The fields of the stream entry."""
        return {
            "v": str(VERSION),
            "kind": self.kind,
            "run": self.run_id,
            "id": self.item_id,
            "body": self.model_dump_json(exclude_none=True, exclude_defaults=False),
        }

    @classmethod
    def from_body(cls, body: str) -> Self:
        """Read a body.

        Raises:
            MessageInvalid: the body is not this model.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise MessageInvalid(f"{cls.kind}: {where}: {first['msg']}") from error


class _ItemMessage(_Message):
    fetched_at: Annotated[
        datetime | None, Field(description="When the page or file that says so was fetched.")
    ] = None


class MovieMessage(_ItemMessage):
    """A film was seen by a run."""

    kind: ClassVar[str] = "movie"
    movie: Movie

    @property
    def item_id(self) -> str:
        """The movie's id."""
        return self.movie.movie_id


class ReviewMessage(_ItemMessage):
    """A review was seen by a run."""

    kind: ClassVar[str] = "review"
    review: Review

    @property
    def item_id(self) -> str:
        """The review's id."""
        return self.review.review_id


class KeptItems(_Message):
    """Items on pages that have not changed since an earlier run sent them: their ledger ids only.

    Sent so that what a complete run neither sent nor kept is known to be gone from the source.
    ``number`` counts the messages of the run, from 0.
    """

    kind: ClassVar[str] = "kept"
    number: Annotated[int, Field(ge=0)]
    items: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
        Field(min_length=1, max_length=MAX_KEPT_ITEMS),
    ]

    @property
    def item_id(self) -> str:
        """The run's id and the message's number."""
        return f"{self.run_id}:{self.number}"


class RunEnd(_Message):
    """The last message of a run: what a complete delivery adds up to.

    ``emitted`` counts the distinct movies and reviews sent, and ``checksum`` is
    ``checksum_of_ids`` over their ledger ids (``ledger_id``); ``kept`` and ``kept_checksum`` are
    the same for the items of ``KeptItems``, none of which was also sent. ``complete``: the run has
    seen all of its source, so that an item it neither sent nor kept is gone from there.
    """

    kind: ClassVar[str] = "run_end"
    emitted: Annotated[int, Field(ge=0)]
    checksum: Annotated[int, Field(ge=0, lt=2**64)]
    kept: Annotated[int, Field(ge=0)] = 0
    kept_checksum: Annotated[int, Field(ge=0, lt=2**64)] = 0
    complete: bool = False


class IngestCommand(_Message):
    """Crawl a configured source, by name."""

    kind: ClassVar[str] = "ingest"


Message = MovieMessage | ReviewMessage | KeptItems | RunEnd | IngestCommand
_KINDS: dict[str, type[Message]] = {
    kind.kind: kind for kind in (MovieMessage, ReviewMessage, KeptItems, RunEnd, IngestCommand)
}

ItemKind = Literal["movie", "review"]
_RUN_ID: TypeAdapter[str] = TypeAdapter(RunId)
_ITEM_IDS: dict[str, TypeAdapter[str]] = {
    "movie": TypeAdapter(MovieId),
    "review": TypeAdapter(ReviewId),
}


def ledger_id(kind: str, item_id: str) -> str:
    """The name under which an item is counted once in its run's ledger."""
    return f"{kind}/{item_id}"


def named_item(fields: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Run, kind and id of the movie or review that an entry is about, whatever its body is like.

    Returns:
        None when the entry does not tell: no run can have sent an item of that name.
    """
    kind = fields.get("kind", "")
    if kind not in _ITEM_IDS:
        return None
    try:
        run_id = _RUN_ID.validate_python(fields.get("run"))
        item_id = _ITEM_IDS[kind].validate_python(fields.get("id"))
    except ValidationError:
        return None
    return run_id, kind, item_id


def parse(fields: Mapping[str, str]) -> Message:
    """Read the message of a stream entry.

    Raises:
        MessageInvalid: unknown version or kind, or a body that is not its model.
    """
    version = fields.get("v")
    if version != str(VERSION):
        raise MessageInvalid(f"message version {version!r} is not {VERSION}")
    model = _KINDS.get(fields.get("kind", ""))
    if model is None:
        raise MessageInvalid(f"unknown message kind {fields.get('kind', '')[:40]!r}")
    body = fields.get("body")
    if body is None:
        raise MessageInvalid("message has no body")
    message = model.from_body(body)
    if message.run_id != fields.get("run") or message.item_id != fields.get("id"):
        raise MessageInvalid("the entry's run or id differs from its body's")
    return message
