"""Movies and reviews as they are stored: what counts as a change."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from services.embedder.database.engine import open_engine, reading
from shared.record import MOVIE_FIELDS, MovieRecord
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


def told(source: str, day: int, **facts: Any) -> Sent:
    record = MovieRecord(movie_id="tt1", **facts)
    return movie("tt1", run=f"run-{source}", source=source).model_copy(
        update={"movie": record, "fetched_at": at(day)}
    )


async def stored_after(engine: Engine, *messages: Sent) -> dict[str, Any]:
    for message in messages:
        await arrive(engine, message)
    with reading(engine) as connection:
        return dict(connection.execute(select(MOVIES)).mappings().one())


FACTS: dict[str, Any] = {
    "title": "Film", "year": 1994, "genres": ("Drama",), "directors": ("Di",), "description": "A.",
    "rating": 8.0, "url": "https://films.example/1", "original_title": "Filmen", "people": ("Bo",),
    "countries": ("Norway",), "languages": ("Norwegian",), "keywords": ("goat",),
    "runtime_minutes": 90, "votes": 10, "poster_url": "https://films.example/1.jpg",
}  # fmt: skip


def test_every_fact_is_among_those_told() -> None:
    assert {"movie_id", *FACTS} == {field.name for field in MOVIE_FIELDS}


OTHER: dict[str, Any] = {
    "title": "Other", "year": 1995, "genres": ("War",), "directors": ("Do",), "description": "B.",
    "rating": 3.0, "url": "https://other.example/1", "original_title": "Andre", "people": ("Ba",),
    "countries": ("Sweden",), "languages": ("Swedish",), "keywords": ("boat",),
    "runtime_minutes": 91, "votes": 11, "poster_url": "https://other.example/1.jpg",
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
async def test_the_most_trusted_source_that_knows_a_fact_is_believed_and_none_blanks_it(
    engine: Engine, name: str
) -> None:
    whole = await stored_after(engine, told("one", 1, **FACTS))
    silent = await stored_after(engine, trusted(told("two", 2), 9))
    assert {key: silent[key] for key in FACTS} == {key: whole[key] for key in FACTS}
    value = OTHER[name]
    facts = {name: value, "votes": 12} if name in {"rating", "votes"} else {name: value}
    facts = {"rating": 3.0, "votes": 12} if name == "votes" else facts
    after = await stored_after(engine, trusted(told("three", 3, **facts), 5))
    expected = facts[name]
    assert after[name] == (list(expected) if isinstance(expected, tuple) else expected)
    unchanged = FACTS.keys() - facts.keys()
    assert {key: after[key] for key in unchanged} == {key: whole[key] for key in unchanged}
    again = await stored_after(engine, trusted(told("three", 4), 5))
    assert again[name] == after[name]
    distrusted = await stored_after(engine, trusted(told("three", 5), -1))
    assert {key: distrusted[key] for key in FACTS} == {key: whole[key] for key in FACTS}


def trusted(message: Sent, trust: int) -> Sent:
    return message.model_copy(update={"trust": trust})


async def test_what_is_believed_does_not_depend_on_the_order_of_crawls(tmp_path: Path) -> None:
    """``believed_facts`` is a function of the set; its rows are kept by source."""
    messages = [
        trusted(told("one", 3, title="One", genres=("War",), rating=3.0), 1),
        trusted(told("two", 1, title="Two", year=1995, rating=8.0, votes=10), 1),
        trusted(told("three", 2, title="Three", description="Trusted."), 2),
    ]
    ends = []
    for number, order in enumerate(itertools.permutations(messages)):
        engine = open_engine(f"sqlite:///{tmp_path / f'{number}.sqlite'}")
        ends.append({**await stored_after(engine, *order), "revision": 0})
        engine.dispose()
    assert all(end == ends[0] for end in ends)
    assert (ends[0]["title"], ends[0]["genres"], ends[0]["year"]) == ("Three", ["War"], 1995)
    assert (ends[0]["rating"], ends[0]["votes"]) == (8.0, 10)


async def test_a_rating_stays_with_its_votes(tmp_path: Path) -> None:
    counted = told("counted", 1, title="Film", rating=8.0, votes=1000)
    alone = told("alone", 2, title="Film", rating=3.0)
    recounted = told("counted", 3, title="Film", rating=7.5, votes=1001)
    ends = set()
    for number, order in enumerate(itertools.permutations([counted, alone, recounted])):
        engine = open_engine(f"sqlite:///{tmp_path / f'{number}.sqlite'}")
        first = await stored_after(engine, *order[:2])
        if recounted not in order[:2]:
            assert (first["rating"], first["votes"]) == (8.0, 1000)
        last = await stored_after(engine, order[2])
        ends.add((last["rating"], last["votes"]))
        engine.dispose()
    assert ends == {(7.5, 1001)}


async def test_messages_of_unknown_age_stand_as_they_arrive(engine: Engine) -> None:
    await arrive(engine, review("a", text="First.", fetched_at=at(2)))
    await arrive(engine, review("a", text="Second."))
    with reading(engine) as connection:
        assert connection.execute(select(REVIEWS.c.text)).scalars().all() == ["Second."]
