"""Stores posters in SQL: pictures by the address under which movies name them.

The pictures are here, and not only beside the snapshots, so that a backup of the database has all
that cannot be made again without asking the sites. The key is a hash of the address, because an
address may be longer than an index of PostgreSQL allows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, select, update
from sqlmodel import SQLModel

from services.embedder.database.engine import reading, writing
from services.embedder.database.models import MOVIES
from services.embedder.database.review_store import upsert
from shared.delivery.messages import PosterMessage

POSTERS = SQLModel.metadata.tables["posters"]


def store_posters(
    connection: Connection, items: Sequence[PosterMessage], revision: int
) -> set[str]:
    """Store pictures, and mark the movies that name their addresses as changed.

    Args:
        connection: An open write transaction.
        items: The messages.
        revision: Number of this change.

    Returns:
        Ids of the movies that have another picture now.
    """
    rows = {
        _key(message.url): {
            "url_sha256": _key(message.url),
            "url": message.url,
            "sha256": message.item_id,
            "image": message.image,
            "stored_at": time.time(),
        }
        for message in items
    }
    known = {
        row.url_sha256: row.sha256
        for row in connection.execute(
            select(POSTERS.c.url_sha256, POSTERS.c.sha256).where(
                POSTERS.c.url_sha256.in_(list(rows))
            )
        )
    }
    upsert(connection, POSTERS, list(rows.values()), "url_sha256")
    urls = [row["url"] for key, row in rows.items() if known.get(key) != row["sha256"]]
    if not urls:
        return set()
    changed = connection.execute(
        update(MOVIES)
        .where(MOVIES.c.poster_url.in_(urls))
        .values(revision=revision)
        .returning(MOVIES.c.movie_id)
    )
    return set(changed.scalars())


class PosterStore:
    """Reads the stored posters; every method is one blocking transaction.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def digests(self) -> PosterDigests:
        """The sha256 of every stored picture."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(POSTERS.c.url_sha256, POSTERS.c.sha256))
            return PosterDigests({row.url_sha256: row.sha256 for row in rows})

    def image(self, digest: str) -> bytes | None:
        """A picture by its sha256; None when it is not stored."""
        with reading(self._engine) as connection:
            query = select(POSTERS.c.image).where(POSTERS.c.sha256 == digest).limit(1)
            image = connection.execute(query).scalar()
        return bytes(image) if image is not None else None

    def forget_unnamed(self, *, older_than_s: float) -> int:
        """Delete the pictures whose address no movie names; returns how many.

        Args:
            older_than_s: Pictures that were stored less than so many seconds ago stay, because
                another embedder may store their movie after them.
        """
        is_named = select(MOVIES.c.movie_id).where(MOVIES.c.poster_url == POSTERS.c.url).exists()
        with writing(self._engine) as connection:
            gone = delete(POSTERS).where(
                POSTERS.c.stored_at < time.time() - older_than_s, ~is_named
            )
            return int(connection.execute(gone).rowcount)


class PosterDigests:
    """Which picture an address has.

    Args:
        by_key: The hash of an address to the sha256 of its picture.
    """

    def __init__(self, by_key: dict[str, str]) -> None:
        self._by_key = by_key

    def of(self, url: str) -> str | None:
        """The sha256 of an address's picture; None when it has not been fetched."""
        return self._by_key.get(_key(url))


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
