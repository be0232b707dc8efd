"""Stores movies in SQL: what each source tells of one, and what is believed of it.

Each function works in the caller's transaction and is idempotent. The order of messages does not
matter, whichever sources they are from (``believed_facts``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select
from sqlmodel import SQLModel

from services.embedder.database.believed_facts import (
    EARLIER,
    ToldFacts,
    in_order_of_trust,
    known_facts,
    merged,
)
from services.embedder.database.models import MOVIES, TOLD_FACTS
from services.embedder.database.review_store import (
    MOVIE_ITEM,
    REMOVED_MOVIES,
    SOURCE_ITEMS,
    is_older,
    moment_of,
    note_fetched,
    row_of,
    upsert,
)
from shared.delivery.messages import MovieMessage, ledger_id
from shared.record import MOVIE_FIELDS, MovieRecord

FORMER_IDS = SQLModel.metadata.tables["former_movie_ids"]
_MOVIE = ledger_id("movie", "")

_BySource = dict[str, ToldFacts]


def store_movies(connection: Connection, items: Sequence[MovieMessage], revision: int) -> set[str]:
    """Store what sources tell of movies, and what is believed of these movies now.

    A fact that a source no longer tells keeps its value as long as the source has the movie. A
    message that was fetched before what is stored of its source only fills in unknown facts.

    Args:
        connection: An open write transaction.
        items: The messages.
        revision: Number of this change.

    Returns:
        Ids of the movies that are new or changed.
    """
    told = _told(connection, {message.item_id for message in items})
    changed: dict[tuple[str, str], ToldFacts] = {}
    for message in items:
        movie_id, source = message.item_id, message.source
        before = told[movie_id].get(source)
        after = _retold(message, before)
        if after != before:
            told[movie_id][source] = changed[movie_id, source] = after
    rows = [_told_row(movie_id, facts) for (movie_id, _), facts in changed.items()]
    upsert(connection, TOLD_FACTS, rows, "movie_id", "source")
    _forget_earlier(connection, told)
    return _believe(connection, told, revision)


def believe_again(connection: Connection, movie_ids: Collection[str], revision: int) -> set[str]:
    """Store what is believed of movies after facts of a source have been deleted.

    Returns:
        Ids of the movies that are changed; a movie that is not stored is not made.
    """
    stored = select(MOVIES.c.movie_id).where(MOVIES.c.movie_id.in_(list(movie_ids)))
    return _believe(connection, _told(connection, connection.execute(stored).scalars()), revision)


def forget_facts(connection: Connection, source: str, movie_ids: Select[Any]) -> None:
    """Delete what a source tells of movies."""
    connection.execute(
        delete(TOLD_FACTS).where(
            TOLD_FACTS.c.source == source, TOLD_FACTS.c.movie_id.in_(movie_ids)
        )
    )


def fill_told_facts(connection: Connection) -> None:
    """Derive what sources tell from the movies of a version that stored only what it believed.

    The facts of a movie of several sources count as told by an earlier version, until each of
    these sources has told its own.
    """
    having = (
        select(
            SOURCE_ITEMS.c["item"],
            func.count().label("sources"),
            func.min(SOURCE_ITEMS.c.source).label("first"),
        )
        .where(SOURCE_ITEMS.c["item"].startswith(_MOVIE))
        .group_by(SOURCE_ITEMS.c["item"])
        .subquery()
    )
    joined = MOVIES.outerjoin(having, having.c["item"] == MOVIE_ITEM)
    after = ""
    while True:
        portion = (
            connection.execute(
                select(MOVIES, having.c.sources, having.c.first)
                .select_from(joined)
                .where(MOVIES.c.movie_id > after)
                .order_by(MOVIES.c.movie_id)
                .limit(1000)
            )
            .mappings()
            .all()
        )
        if not portion:
            return
        after = portion[-1]["movie_id"]
        rows = []
        for row in portion:
            facts = {
                field.name: row[field.name]
                for field in MOVIE_FIELDS[1:]
                if row[field.name] is not None and row[field.name] != []
            }
            teller = EARLIER if (row["sources"] or 0) > 1 else row["first"] or row["source"]
            if facts:
                told = ToldFacts(teller, 0, facts, row["fetched_at"])
                rows.append(_told_row(row["movie_id"], told))
        upsert(connection, TOLD_FACTS, rows, "movie_id", "source")


def _told(connection: Connection, movie_ids: Iterable[str]) -> dict[str, _BySource]:
    told: dict[str, _BySource] = {movie_id: {} for movie_id in movie_ids}
    rows = connection.execute(select(TOLD_FACTS).where(TOLD_FACTS.c.movie_id.in_(list(told))))
    for row in rows:
        facts = ToldFacts(row.source, row.trust, row.facts, row.fetched_at)
        told[row.movie_id][row.source] = facts
    return told


def _retold(message: MovieMessage, before: ToldFacts | None) -> ToldFacts:
    """What a source tells of a movie after a message of it."""
    facts, fetched_at = known_facts(message.movie), moment_of(message)
    if before is None:
        return ToldFacts(message.source, message.trust, facts, fetched_at)
    if is_older(fetched_at, before.fetched_at):
        known = merged([before.facts, facts])
        return ToldFacts(before.source, before.trust, known, before.fetched_at)
    known = merged([facts, before.facts])
    moment = before.fetched_at if fetched_at is None and known == before.facts else fetched_at
    return ToldFacts(message.source, message.trust, known, moment)


def _told_row(movie_id: str, told: ToldFacts) -> dict[str, Any]:
    return {
        "movie_id": movie_id,
        "source": told.source,
        "trust": told.trust,
        "facts": dict(told.facts),
        "fetched_at": told.fetched_at,
    }


def _forget_earlier(connection: Connection, told: Mapping[str, _BySource]) -> None:
    """Delete what an earlier version stored together, where each source has told its own since."""
    together = [movie_id for movie_id, by_source in told.items() if EARLIER in by_source]
    if not together:
        return
    having: dict[str, set[str]] = defaultdict(set)
    items = connection.execute(
        select(SOURCE_ITEMS.c["item"], SOURCE_ITEMS.c.source).where(
            SOURCE_ITEMS.c["item"].in_([_MOVIE + movie_id for movie_id in together])
        )
    )
    for item, source in items:
        having[item.removeprefix(_MOVIE)].add(source)
    done = [movie_id for movie_id in together if having[movie_id] <= told[movie_id].keys()]
    connection.execute(
        delete(TOLD_FACTS).where(TOLD_FACTS.c.source == EARLIER, TOLD_FACTS.c.movie_id.in_(done))
    )
    for movie_id in done:
        del told[movie_id][EARLIER]


def _believe(connection: Connection, told: Mapping[str, _BySource], revision: int) -> set[str]:
    """Store what is believed of movies; returns those that are new or changed."""
    stored = {
        row["movie_id"]: row
        for row in connection.execute(
            select(MOVIES).where(MOVIES.c.movie_id.in_(list(told)))
        ).mappings()
    }
    changed: list[dict[str, Any]] = []
    seen: dict[str, dict[str, Any]] = {}
    for movie_id, by_source in told.items():
        in_order = in_order_of_trust(by_source.values())
        row = {
            **row_of(MovieRecord(movie_id), MOVIE_FIELDS),
            **merged([one.facts for one in in_order]),
        }
        old = stored.get(movie_id)
        moments = [one.fetched_at for one in in_order if one.fetched_at is not None]
        fetched_at = max(moments, default=None)
        if old is None or any(old[name] != value for name, value in row.items()):
            source = in_order[0].source if in_order else ""
            changed.append(
                {
                    **row,
                    "source": source or (old["source"] if old is not None else ""),
                    "fetched_at": fetched_at,
                    "revision": revision,
                }
            )
        elif fetched_at != old["fetched_at"]:
            seen[movie_id] = {"b_key": movie_id, "b_fetched_at": fetched_at}
    upsert(connection, MOVIES, changed, "movie_id")
    ids = [row["movie_id"] for row in changed]
    if ids:
        connection.execute(delete(REMOVED_MOVIES).where(REMOVED_MOVIES.c.movie_id.in_(ids)))
    note_fetched(connection, MOVIES.c.movie_id, seen)
    return set(ids)
