"""Movies of an earlier version get their ids, and nothing of them is lost or encoded again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from services.embedder.database import former_ids
from services.embedder.database.engine import open_engine, reading
from services.embedder.database.former_ids import name_movies
from services.embedder.database.work_list import WorkList
from services.embedder.settling.removal import Removals
from services.ingest.pages.identifiers import movie_id, review_id
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.streams import Entry
from shared.record import MovieRecord, ReviewRecord
from tests.support.embedder.arrivals import Sent, arrive, end
from tests.support.embedder.earlier_database import (
    ENCODER,
    EarlierMovie,
    EarlierReview,
    build_earlier_database,
)
from tests.support.embedder.stored import backlog

LATER = datetime(2026, 5, 1, tzinfo=UTC)
BIG = "TT9980001"
MOVIES = [
    EarlierMovie("42", ["shop"], "shop", {"title": "Amber Route", "year": 1999}),
    EarlierMovie("7", ["club", "shop"], "shop", {"title": "The Lamp Room", "genres": ("Drama",)}),
    EarlierMovie("cobalt", ["club"], "club", {"title": "Cobalt"}),
    EarlierMovie("tt9980002", ["club", "shop"], "club", {"title": "Both"}),
    EarlierMovie(BIG, ["shop"], "shop", {"title": "Big"}),
    EarlierMovie("tt9980001", ["club"], "club", {"title": "Small"}),
    EarlierMovie("club:0123456789abcdef0123", ["club"], "club", {"title": "A page"}),
]


def hashed(source: str, movie: str, text: str) -> str:
    return review_id(source, external_id=None, permalink=None, movie=movie, text=text)


REVIEWS = [
    EarlierReview("shop:1", "42", "shop", "Slow and warm."),
    EarlierReview(hashed("shop", "42", "No id."), "42", "shop", "No id."),
    EarlierReview("shop:2", "42", "shop", "Not encoded yet.", is_encoded=False),
    EarlierReview("shop:3", "7", "shop", "Of the shop's movie."),
    EarlierReview("club:3", "7", "club", "Of the club's movie."),
    EarlierReview("club:4", "cobalt", "club", "Blue."),
    EarlierReview("imdb:rw1234567", "tt9980002", "shop", "Of both.", also_in=["club"]),
    EarlierReview("shop:5", BIG, "shop", "In capitals."),
]
NAMED = {
    "42": ["shop:42"], "7": ["club:7", "shop:7"], "cobalt": ["club:cobalt"], BIG: ["tt9980001"]
}  # fmt: skip


def rows(engine: Engine, table: str, *names: str) -> list[tuple[Any, ...]]:
    columns = [SQLModel.metadata.tables[table].c[name] for name in names]
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


@pytest.fixture
def earlier(database_url: str) -> Iterator[Engine]:
    build_earlier_database(database_url, MOVIES, REVIEWS)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def crawled(source: str) -> list[Sent]:
    """What a crawl of this version sends of what the earlier database has of a source."""
    movies = [
        MovieMessage(
            run_id=f"again-{source}",
            source=source,
            fetched_at=LATER,
            movie=MovieRecord(movie_id(source, movie.movie_id), **movie.facts),
        )
        for movie in MOVIES
        if source in movie.sources
    ]
    reviews = [
        ReviewMessage(
            run_id=f"again-{source}",
            source=source,
            fetched_at=LATER,
            review=ReviewRecord(
                review_id=review.review_id
                if not review.review_id.startswith(source) or len(review.review_id) < 20
                else hashed(source, movie_id(source, review.movie_id), review.text),
                movie_id=movie_id(source, review.movie_id),
                text=review.text,
            ),
        )
        for review in REVIEWS
        if source in (review.source, *review.also_in)
    ]
    return [*movies, *reviews]


async def test_a_crawl_after_the_upgrade_encodes_and_removes_nothing(earlier: Engine) -> None:
    assert name_movies(earlier) == len(NAMED)
    vectors = rows(earlier, "review_vectors", "review_id", "text_sha256")
    WorkList(earlier, ENCODER)
    assert [item.review_id for item in backlog(earlier)] == ["shop:2"]
    for source in ("shop", "club"):
        sent = crawled(source)
        await arrive(earlier, *sent, end(sent, run=f"again-{source}", source=source, complete=True))
        ledger = Removals(earlier).decide(f"again-{source}", allowed=False)
        assert (ledger.stored, ledger.removed, ledger.fault) == (0, 0, None), source
    WorkList(earlier, ENCODER)
    assert [item.review_id for item in backlog(earlier)] == ["shop:2"]
    assert rows(earlier, "review_vectors", "review_id", "text_sha256") == vectors
    of_movies = {(review.review_id, movie_id(review.source, review.movie_id)) for review in REVIEWS}
    assert set(rows(earlier, "reviews", "review_id", "movie_id")) == of_movies
    assert rows(earlier, "movies", "movie_id", "title") == [
        ("club:0123456789abcdef0123", "A page"),
        ("club:7", "The Lamp Room"),
        ("club:cobalt", "Cobalt"),
        ("shop:42", "Amber Route"),
        ("shop:7", "The Lamp Room"),
        ("tt9980001", "Small"),
        ("tt9980002", "Both"),
    ]


async def test_everything_follows_its_movie(earlier: Engine) -> None:
    name_movies(earlier)
    assert rows(earlier, "unencoded_reviews", "review_id", "movie_id") == [("shop:2", "shop:42")]
    former = {(old, new) for old, ids in NAMED.items() for new in ids}
    assert set(rows(earlier, "former_movie_ids", "former_id", "movie_id")) == former
    removed = {movie_id for (movie_id,) in rows(earlier, "removed_movies", "movie_id")}
    assert removed == NAMED.keys()
    changed = dict(rows(earlier, "movies", "movie_id", "revision"))
    assert {movie for movie, revision in changed.items() if revision > 7} == {
        new for ids in NAMED.values() for new in ids
    }
    claims = rows(earlier, "source_items", "source", "item")
    assert ("shop", "movie/shop:7") in claims
    assert ("club", "movie/club:7") in claims
    assert not {item for _, item in claims} & {f"movie/{old}" for old in NAMED}


async def test_facts_that_were_stored_together_go_to_the_source_that_told_last(
    earlier: Engine,
) -> None:
    name_movies(earlier)
    titles = dict(rows(earlier, "movies", "movie_id", "title"))
    assert (titles["shop:7"], titles["club:7"]) == ("The Lamp Room", None)


@pytest.mark.parametrize("portions", range(1, 8))
def test_an_interrupted_upgrade_is_continued(
    portions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former_ids, "PORTION", 1)
    ends = []
    for name, stops_after in (("whole", None), ("interrupted", portions)):
        url = f"sqlite:///{tmp_path / name}.sqlite"
        build_earlier_database(url, MOVIES, REVIEWS)
        engine = open_engine(url)
        if stops_after is not None:
            interrupted(engine, stops_after, monkeypatch)
            engine.dispose()
            engine = open_engine(url)
        name_movies(engine)
        assert name_movies(engine) == 0
        ends.append(
            [
                rows(engine, "movies", "movie_id", "title", "source"),
                rows(engine, "told_facts", "movie_id", "source"),
                rows(engine, "reviews", "review_id", "movie_id", "content_sha256"),
                rows(engine, "source_items", "source", "item", "added_by"),
                rows(engine, "former_movie_ids", "former_id", "movie_id"),
                rows(engine, "removed_movies", "movie_id"),
            ]
        )
        engine.dispose()
    assert ends[0] == ends[1]


class Interrupted(Exception):
    """The process ends here."""


def interrupted(engine: Engine, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the upgrade in the middle of a portion, after what it has written of it."""
    name_portion, portions = former_ids._name_portion, 0

    def ending(connection: Any, ids: Sequence[str]) -> int:
        nonlocal portions
        portions += 1
        named = name_portion(connection, ids)
        if portions == after:
            raise Interrupted
        return named

    with monkeypatch.context() as patched:
        patched.setattr(former_ids, "_name_portion", ending)
        with pytest.raises(Interrupted):
            name_movies(engine)


async def test_messages_of_an_earlier_ingest_are_renamed_and_their_run_removes_nothing(
    earlier: Engine,
) -> None:
    name_movies(earlier)
    old: list[Sent] = [
        MovieMessage(
            run_id="old", source="shop", id_rules=1, movie=MovieRecord("42", title="Amber Route")
        ),
        ReviewMessage(
            run_id="old",
            source="shop",
            id_rules=1,
            review=ReviewRecord(review_id="shop:9", movie_id="43", text="New."),
        ),
    ]
    await arrive(earlier, *old, end(old, run="old", source="shop", complete=True))
    ledger = Removals(earlier).decide("old", allowed=False)
    assert (ledger.balanced, ledger.stored, ledger.removed, ledger.fault) == (True, 1, 0, None)
    assert len(rows(earlier, "reviews", "review_id")) == len(REVIEWS) + 1
    assert ("shop:9", "shop:43") in rows(earlier, "reviews", "review_id", "movie_id")
    assert ("43", "shop:43") in rows(earlier, "former_movie_ids", "former_id", "movie_id")


def test_a_message_without_rules_is_of_an_earlier_version() -> None:
    message = ReviewMessage(
        run_id="r", source="s", review=ReviewRecord(review_id="s:1", movie_id="s:1", text="T.")
    )
    fields = message.to_fields()
    assert ReviewMessage.from_body(fields["body"]) == message
    earlier_body = fields["body"].replace('"id_rules":2,', "")
    assert earlier_body != fields["body"]
    assert ReviewMessage.from_body(earlier_body).id_rules == 1
    assert Entry("1-0", fields).fields == fields


async def test_a_run_that_was_under_way_removes_nothing(database_url: str) -> None:
    build_earlier_database(database_url, MOVIES, REVIEWS)
    engine = open_engine(database_url)
    old = MovieMessage(run_id="old", source="shop", id_rules=2, movie=MovieRecord("42"))
    await arrive(engine, old)  # counted by the earlier version, by its former id
    name_movies(engine)
    await arrive(engine, end([old], run="old", source="shop", complete=True))
    ledger = Removals(engine).decide("old", allowed=True)
    assert (ledger.removed, ledger.fault) == (0, None)
    assert len(rows(engine, "reviews", "review_id")) == len(REVIEWS)
    engine.dispose()
