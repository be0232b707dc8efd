"""Movies and reviews as they are stored: what counts as a change."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from services.embedder.database.engine import open_engine, reading
from shared.record import MovieRecord
from tests.support.embedder.arrivals import Sent, arrive, movie, review

MOVIES = SQLModel.metadata.tables["movies"]
REVIEWS = SQLModel.metadata.tables["reviews"]


def revision(engine: Engine, movie_id: str) -> int:
    with reading(engine) as connection:
        query = select(MOVIES.c.revision).where(MOVIES.c.movie_id == movie_id)
        return int(connection.execute(query).scalar_one())


async def test_a_second_source_that_says_the_same_of_a_movie_does_not_change_it(
    engine: Engine,
) -> None:
    await arrive(engine, movie("tt1"))
    before = revision(engine, "tt1")
    await arrive(engine, movie("tt1", run="run-2", source="another"))
    assert revision(engine, "tt1") == before


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def described(day: int, **facts: str) -> Sent:
    record = MovieRecord(movie_id="tt1", **{"title": "Film", **facts})  # type: ignore[arg-type]
    return movie("tt1").model_copy(update={"movie": record, "fetched_at": at(day)})


async def test_what_was_fetched_later_stands_in_whatever_order_it_arrives(tmp_path: Path) -> None:
    """An old entry may arrive late: a dead letter, or one of a worker that died."""
    versions = [
        review("a", text="First.", fetched_at=at(1)),
        review("a", text="Second.", fetched_at=at(2)),
        review("a", text="First.", fetched_at=at(3)),
        described(1, title="Working Title", url="https://films.example/1"),
        described(2, title="Film"),
    ]
    ends = set()
    for number, order in enumerate(itertools.permutations(versions)):
        engine = open_engine(f"sqlite:///{tmp_path / f'{number}.sqlite'}")
        for message in (*order, order[0]):
            await arrive(engine, message)
        with reading(engine) as connection:
            reviews = connection.execute(select(REVIEWS.c.text, REVIEWS.c.fetched_at)).all()
            movies = connection.execute(
                select(MOVIES.c.title, MOVIES.c.url, MOVIES.c.fetched_at)
            ).all()
        ends.add((*map(tuple, reviews), *map(tuple, movies)))
        engine.dispose()
    assert ends == {
        (
            ("First.", at(3).timestamp()),
            ("Film", "https://films.example/1", at(2).timestamp()),
        )
    }


async def test_messages_of_unknown_age_stand_as_they_arrive(engine: Engine) -> None:
    await arrive(engine, review("a", text="First.", fetched_at=at(2)))
    await arrive(engine, review("a", text="Second."))
    with reading(engine) as connection:
        assert connection.execute(select(REVIEWS.c.text)).scalars().all() == ["Second."]
