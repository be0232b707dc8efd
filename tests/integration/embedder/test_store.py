"""Films and reviews as they are stored: what counts as a change."""

from __future__ import annotations

from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from services.embedder.database import reading
from tests.integration.embedder.arrivals import arrive, movie

MOVIES = SQLModel.metadata.tables["movies"]


def revision(engine: Engine, movie_id: str) -> int:
    with reading(engine) as connection:
        query = select(MOVIES.c.revision).where(MOVIES.c.movie_id == movie_id)
        return int(connection.execute(query).scalar_one())


async def test_a_second_source_that_says_the_same_of_a_film_does_not_change_it(
    engine: Engine,
) -> None:
    await arrive(engine, movie("tt1"))
    before = revision(engine, "tt1")
    await arrive(engine, movie("tt1", run="run-2", source="another"))
    assert revision(engine, "tt1") == before
