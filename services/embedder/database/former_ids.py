"""Gives the movies of an earlier version the ids that they have now (``shared.identity``).

Earlier versions stored a source's own ids as they were: movie 42 of two sources was one movie. When
the database is opened, each movie gets the ids that its sources have for it, a portion of movies in
each transaction, so that the step may be interrupted anywhere and continues at the next start:

1. What each source tells of the movie, and the note that it has it, go to the source's movie.
2. Each review goes to the movie of its source. Its id and its vectors stay as they are.
3. The former id is kept, so that links to it still lead to the movie; searches lose the old movie
   and get the new ones with the next snapshot.
4. Runs that were under way remove nothing, because they name movies by their former ids.

Messages of an earlier ingest, which were waiting on the stream meanwhile, are renamed when they
arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    bindparam,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlmodel import SQLModel

from services.embedder.database.believed_facts import EARLIER, merged
from services.embedder.database.engine import writing
from services.embedder.database.models import MOVIES, MOVIES_NAMED, REVIEWS, TOLD_FACTS
from services.embedder.database.movie_store import FORMER_IDS, believe_again
from services.embedder.database.review_store import (
    REMOVED_MOVIES,
    REVIEW_ITEM,
    SOURCE_ITEMS,
    UNENCODED,
    content_sha256,
    insert,
    lock_changes,
    next_revision,
    touch_movies,
    upsert,
)
from services.embedder.database.run_ledger import remove_nothing
from shared.delivery.messages import ID_RULES, MovieMessage, ReviewMessage, ledger_id
from shared.identity import own_movie_id
from shared.record import REVIEW_FACTS, ReviewRecord
from shared.telemetry import get_logger

PORTION = 200
_STEPS = SQLModel.metadata.tables["upgrade_steps"]
_MOVIE, _REVIEW = ledger_id("movie", ""), ledger_id("review", "")
_Message = TypeVar("_Message", bound=MovieMessage | ReviewMessage)


def name_movies(engine: Engine) -> int:
    """Give all movies of an earlier version their ids; blocking. A repeated call does nothing.

    Returns:
        How many movies this call has renamed or parted.
    """
    named, after = 0, ""
    while True:
        with writing(engine) as connection:
            lock_changes(connection)
            is_done = select(_STEPS.c.name).where(_STEPS.c.name == MOVIES_NAMED)
            if connection.execute(is_done).first() is not None:
                return named
            ids = list(
                connection.execute(
                    select(MOVIES.c.movie_id)
                    .where(MOVIES.c.movie_id > after)
                    .order_by(MOVIES.c.movie_id)
                    .limit(PORTION)
                ).scalars()
            )
            if not ids:
                connection.execute(_STEPS.insert().values(name=MOVIES_NAMED))
            else:
                after = ids[-1]
                named += _name_portion(connection, ids)
        if not ids:
            get_logger().info("movies named by their sources", movies=named)
            return named


def _name_portion(connection: Connection, movie_ids: Collection[str]) -> int:
    """Rename the movies of one portion; returns how many."""
    sources = _sources_of(connection, movie_ids)
    renamed: dict[str, dict[str, str]] = {}
    for old in movie_ids:
        own_ids = {source: own_movie_id(source, old) for source in sorted(sources[old])}
        if any(new != old for new in own_ids.values()):
            renamed[old] = own_ids
    if not renamed:
        return 0
    remove_nothing(connection)
    revision = next_revision(connection)
    for old, own_ids in renamed.items():
        _part(connection, old, own_ids, revision)
    return len(renamed)


def _sources_of(connection: Connection, movie_ids: Collection[str]) -> dict[str, set[str]]:
    """The sources that have a movie or a review of it, for each movie."""
    sources: dict[str, set[str]] = {movie_id: set() for movie_id in movie_ids}
    items = [_MOVIE + movie_id for movie_id in movie_ids]
    queries = (
        select(func.substr(SOURCE_ITEMS.c["item"], len(_MOVIE) + 1), SOURCE_ITEMS.c.source).where(
            SOURCE_ITEMS.c["item"].in_(items)
        ),
        select(REVIEWS.c.movie_id, REVIEWS.c.source)
        .where(REVIEWS.c.movie_id.in_(movie_ids))
        .distinct(),
        select(REVIEWS.c.movie_id, SOURCE_ITEMS.c.source)
        .join(SOURCE_ITEMS, SOURCE_ITEMS.c["item"] == REVIEW_ITEM)
        .where(REVIEWS.c.movie_id.in_(movie_ids))
        .distinct(),
    )
    for query in queries:
        for movie_id, source in connection.execute(query):
            sources[movie_id].add(source)
    last = select(MOVIES.c.movie_id, MOVIES.c.source).where(MOVIES.c.movie_id.in_(movie_ids))
    for movie_id, source in connection.execute(last):
        if source and not sources[movie_id]:
            sources[movie_id].add(source)
    return sources


def _part(connection: Connection, old: str, own_ids: Mapping[str, str], revision: int) -> None:
    """Give each source of a movie its own, and each source's reviews to its movie."""
    new_ids = sorted({new for new in own_ids.values() if new != old})
    last_source = connection.execute(
        select(MOVIES.c.source).where(MOVIES.c.movie_id == old)
    ).scalar_one()
    _move_facts(connection, old, own_ids, last_source)
    for source, new in own_ids.items():
        if new != old:
            _move_item(connection, source, _MOVIE + old, _MOVIE + new)
    for reviews in _reviews_of(connection, old):
        _move_reviews(connection, reviews, own_ids)
    if old not in own_ids.values():
        connection.execute(delete(MOVIES).where(MOVIES.c.movie_id == old))
        connection.execute(delete(TOLD_FACTS).where(TOLD_FACTS.c.movie_id == old))
        upsert(connection, REMOVED_MOVIES, [{"movie_id": old, "revision": revision}], "movie_id")
    touch_movies(connection, {new: source for source, new in own_ids.items()}, revision)
    believe_again(connection, set(own_ids.values()), revision)
    keep_former_ids(connection, [(old, new) for new in new_ids])


def _move_facts(
    connection: Connection, old: str, own_ids: Mapping[str, str], last_source: str
) -> None:
    """Move what sources tell of a movie to their movies.

    What an earlier version stored of several sources together goes to the one that told last: it
    is not known of which movie the rest is.
    """
    rows = connection.execute(select(TOLD_FACTS).where(TOLD_FACTS.c.movie_id == old)).mappings()
    for row in list(rows):
        teller = last_source if row["source"] == EARLIER else row["source"]
        new = own_ids.get(teller)
        if new is None or new == old:
            continue
        key = (TOLD_FACTS.c.movie_id == new, TOLD_FACTS.c.source == row["source"])
        known = connection.execute(select(TOLD_FACTS.c.facts).where(*key)).scalar()
        facts = merged([*([known] if known is not None else []), row["facts"]])
        moved = {**row, "movie_id": new, "facts": facts}
        upsert(connection, TOLD_FACTS, [moved], "movie_id", "source")
        connection.execute(
            delete(TOLD_FACTS).where(
                TOLD_FACTS.c.movie_id == old, TOLD_FACTS.c.source == row["source"]
            )
        )


def _move_item(connection: Connection, source: str, old: str, new: str) -> None:
    """Note that a source has an item under its new name."""
    of_source = SOURCE_ITEMS.c.source == source
    moved = select(SOURCE_ITEMS.c.source, literal(new), SOURCE_ITEMS.c.added_by).where(
        of_source, SOURCE_ITEMS.c["item"] == old
    )
    connection.execute(
        insert(connection, SOURCE_ITEMS)
        .from_select(["source", "item", "added_by"], moved)
        .on_conflict_do_nothing()
    )
    connection.execute(delete(SOURCE_ITEMS).where(of_source, SOURCE_ITEMS.c["item"] == old))


def _reviews_of(connection: Connection, movie_id: str) -> Iterator[list[RowMapping]]:
    """The reviews of a movie in portions, in the order of their ids."""
    after = ""
    while True:
        rows = connection.execute(
            select(REVIEWS)
            .where(REVIEWS.c.movie_id == movie_id, REVIEWS.c.review_id > after)
            .order_by(REVIEWS.c.review_id)
            .limit(PORTION)
        ).mappings()
        portion = list(rows)
        if not portion:
            return
        after = portion[-1]["review_id"]
        yield portion


def _move_reviews(
    connection: Connection, reviews: Collection[RowMapping], own_ids: Mapping[str, str]
) -> None:
    """Give reviews to the movies of their sources; another source's claim to one ends."""
    items = {_REVIEW + row["review_id"]: row for row in reviews}
    claims: dict[str, list[str]] = {item: [] for item in items}
    for item, source in connection.execute(
        select(SOURCE_ITEMS.c["item"], SOURCE_ITEMS.c.source)
        .where(SOURCE_ITEMS.c["item"].in_(list(items)))
        .order_by(SOURCE_ITEMS.c.source)
    ):
        claims[item].append(source)
    moved = []
    for item, row in items.items():
        having = claims[item]
        owner = row["source"] if row["source"] in having or not having else having[0]
        new = own_ids[owner]
        if new != row["movie_id"]:
            moved.append((row, new))
        for source in having:
            if own_ids[source] != new:
                connection.execute(
                    delete(SOURCE_ITEMS).where(
                        SOURCE_ITEMS.c.source == source, SOURCE_ITEMS.c["item"] == item
                    )
                )
    if not moved:
        return
    values = [
        {"b_review": row["review_id"], "b_movie": new, "b_content": _content(row, new)}
        for row, new in moved
    ]
    connection.execute(
        update(REVIEWS)
        .where(REVIEWS.c.review_id == bindparam("b_review"))
        .values(movie_id=bindparam("b_movie"), content_sha256=bindparam("b_content")),
        values,
    )
    connection.execute(
        update(UNENCODED)
        .where(UNENCODED.c.review_id == bindparam("b_review"))
        .values(movie_id=bindparam("b_movie")),
        values,
    )


def _content(row: RowMapping, movie_id: str) -> str:
    """The hash of a review of another movie: a crawl must find the review unchanged."""
    facts: dict[str, Any] = {field.name: row[field.name] for field in REVIEW_FACTS}
    return content_sha256(
        ReviewRecord(review_id=row["review_id"], movie_id=movie_id, text=row["text"], **facts)
    )


def keep_former_ids(connection: Connection, pairs: Collection[tuple[str, str]]) -> None:
    """Keep the former id of each movie, as ``(former id, movie id)``."""
    rows = [{"former_id": former, "movie_id": movie_id} for former, movie_id in pairs]
    if rows:
        connection.execute(insert(connection, FORMER_IDS).on_conflict_do_nothing(), rows)


def with_own_id(message: _Message) -> _Message:
    """A message with the id that its movie has now; its own if it is of this version."""
    if message.id_rules == ID_RULES:
        return message
    if isinstance(message, MovieMessage):
        movie = message.movie
        renamed = replace(movie, movie_id=own_movie_id(message.source, movie.movie_id))
        return message.model_copy(update={"movie": renamed})
    review = message.review
    placed = replace(review, movie_id=own_movie_id(message.source, review.movie_id))
    return message.model_copy(update={"review": placed})


def note_renamed(
    connection: Connection,
    messages: Iterable[tuple[MovieMessage | ReviewMessage, MovieMessage | ReviewMessage]],
) -> None:
    """Keep the former ids of the movies of messages that were renamed when they arrived.

    Args:
        connection: An open write transaction, in which the messages have been counted.
        messages: Each message as it arrived, and as it was stored.
    """
    renamed = [(told, stored) for told, stored in messages if told is not stored]
    pairs = {(_movie_of(told), _movie_of(stored)) for told, stored in renamed}
    keep_former_ids(connection, sorted(pair for pair in pairs if pair[0] != pair[1]))
    runs = {told.run_id for told, stored in renamed if _movie_of(told) != _movie_of(stored)}
    if runs:
        remove_nothing(connection, runs)


def _movie_of(message: MovieMessage | ReviewMessage) -> str:
    told = message.movie if isinstance(message, MovieMessage) else message.review
    return told.movie_id
