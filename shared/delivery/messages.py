"""The messages on the streams: versioned, frozen models, and their stream fields.

An entry of a stream is a flat map of strings::

    v     message version
    kind  "movie" | "review" | "poster" | "kept" | "run_end" | "ingest"
    run   run id
    id    what the message is about: movie id, review id, a picture's sha256, or the run's own id
    body  the model as JSON

``run`` and ``id`` are outside the body so that an entry whose body cannot be read is still counted
for its run and can be named in a dead letter. Pure: no IO.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.record import ID_PATTERN, MovieId, MovieRecord, ReviewId, ReviewRecord, Url

VERSION = 1
ID_RULES = 2
MAX_TRUST = 100

MAX_KEPT_ITEMS = 500
MAX_POSTER_BYTES = 64 * 2**10

RunId = Annotated[str, Field(min_length=1, max_length=64, pattern=ID_PATTERN)]
SourceName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class MessageInvalid(ValueError):
    """Raised for a stream entry that is no message of a known kind and version; says why."""


def checksum_of_ids(ids: Iterable[str]) -> int:
    """A checksum of distinct ids: the sum of their 64-bit hashes, modulo 2**64.

    It is a sum, so that sender and receiver can add the ids one at a time and in any order.
    """
    total = 0
    for item in ids:
        digest = hashlib.blake2b(item.encode(), digest_size=8).digest()
        total += int.from_bytes(digest, "big")
    return total % 2**64


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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


class _NamedMessage(_ItemMessage):
    """A message with the id of a movie.

    ``id_rules`` numbers the rules by which the id was made: 1 for messages of versions that did not
    put the source's name before its own ids (``shared.identity``).
    """

    id_rules: Annotated[int, Field(ge=1, le=ID_RULES)] = ID_RULES

    @classmethod
    def from_body(cls, body: str) -> Self:
        """Read a body; without ``id_rules`` it is of an earlier version.

        Raises:
            MessageInvalid: the body is not this model.
        """
        message = super().from_body(body)
        if "id_rules" in message.model_fields_set:
            return message
        return message.model_copy(update={"id_rules": 1})


class MovieMessage(_NamedMessage):
    """A run has seen a movie; of two sources, the one with more ``trust`` is believed."""

    kind: ClassVar[str] = "movie"
    movie: MovieRecord
    trust: Annotated[int, Field(ge=-MAX_TRUST, le=MAX_TRUST)] = 0

    @property
    def item_id(self) -> str:
        """The movie's id."""
        return self.movie.movie_id


class ReviewMessage(_NamedMessage):
    """A run has seen a review."""

    kind: ClassVar[str] = "review"
    review: ReviewRecord

    @property
    def item_id(self) -> str:
        """The review's id."""
        return self.review.review_id


def _webp(image: bytes) -> bytes:
    if image[:4] != b"RIFF" or image[8:12] != b"WEBP":
        raise ValueError("not a WebP picture")
    return image


class PosterMessage(_ItemMessage):
    """A picture that a run has fetched, as WebP; movies name its address as their ``poster_url``.

    It is not counted in the run's ledger: a picture that is lost costs the picture only.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    kind: ClassVar[str] = "poster"
    url: Url
    image: Annotated[bytes, Field(max_length=MAX_POSTER_BYTES), AfterValidator(_webp)]

    @property
    def item_id(self) -> str:
        """The sha256 of the picture."""
        return hashlib.sha256(self.image).hexdigest()


class KeptItems(_Message):
    """The ledger ids of items on pages that have not changed since an earlier run sent them.

    With them the receiver knows that an item which a complete run neither sent nor kept is gone
    from the source. ``number`` counts the messages of this kind in the run, from 0.
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
    """The last message of a run: the totals of a complete delivery.

    ``emitted`` counts the distinct movies and reviews sent, and ``checksum`` is
    ``checksum_of_ids`` over their ledger ids (``ledger_id``); ``kept`` and ``kept_checksum`` are
    the same for the items of ``KeptItems``, none of which was also sent. ``complete`` says that the
    run has read its whole source, so that an item it neither sent nor kept is gone from there.
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


Message = MovieMessage | ReviewMessage | PosterMessage | KeptItems | RunEnd | IngestCommand
_KINDS: dict[str, type[Message]] = {
    kind.kind: kind
    for kind in (MovieMessage, ReviewMessage, PosterMessage, KeptItems, RunEnd, IngestCommand)
}

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
