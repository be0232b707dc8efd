"""The work list holds exactly the reviews that have no vectors of their current text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy import Engine, insert, text

from services.embedder.database.engine import writing
from services.embedder.database.review_store import UNENCODED
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.work_list import StoredVectors, WorkItem, WorkList
from tests.support.embedder.arrivals import arrive, kept, movie, review
from tests.support.embedder.stored import backlog


def encoded(item: WorkItem) -> StoredVectors:
    spans, vectors = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    return StoredVectors(item.review_id, item.text_sha256, spans, vectors)


def unencoded(engine: Engine, work_list: WorkList) -> list[str]:
    review_ids = [item.review_id for item in backlog(engine)]
    assert work_list.backlog_size() == len(review_ids)
    return review_ids


async def test_the_reviews_of_a_movie_are_together_until_they_are_encoded(
    engine: Engine,
) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a", "tt2"), review("b", "tt1"), review("c", "tt2"), movie("tt2"))
    assert unencoded(engine, work_list) == ["b", "a", "c"]
    assert [item.review_id for item in backlog(engine, 2)] == ["b", "a"]
    work_list.save([encoded(item) for item in backlog(engine, 2)])
    assert unencoded(engine, work_list) == ["c"]


async def test_only_another_text_is_work(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a"))
    work_list.save([encoded(item) for item in backlog(engine)])
    rated = review("a")
    rated = rated.model_copy(update={"review": replace(rated.review, rating=3)})
    await arrive(engine, rated)
    assert unencoded(engine, work_list) == []
    await arrive(engine, review("a", text="Otherwise."))
    assert unencoded(engine, work_list) == ["a"]


async def test_vectors_of_a_text_that_has_changed_meanwhile_are_dropped(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a", text="Before."))
    [before] = backlog(engine)
    await arrive(engine, review("a", text="After."))
    work_list.save([encoded(before)])
    [after] = backlog(engine)
    assert (after.review_id, after.text) == ("a", "After.")


async def test_opening_finds_what_another_encoder_has_to_do(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a"), review("b"))
    work_list.save([encoded(item) for item in backlog(engine)])
    assert unencoded(engine, WorkList(engine, "encoder")) == []
    assert unencoded(engine, WorkList(engine, "other")) == ["a", "b"]


async def test_opening_mends_a_work_list_that_is_wrong(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a"), review("b"))
    work_list.save([encoded(item) for item in backlog(engine, 1)])
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM unencoded_reviews"))
        wrong = insert(UNENCODED).values(movie_id="tt1")
        for review_id in ("a", "gone"):
            connection.execute(wrong.values(review_id=review_id))
    assert unencoded(engine, WorkList(engine, "encoder")) == ["b"]


async def test_a_run_waits_for_all_it_saw_to_be_encoded_and_for_nothing_else(
    engine: Engine,
) -> None:
    work_list, ledgers = WorkList(engine, "encoder"), Ledgers(engine)
    await arrive(engine, review("earlier"), review("changed"), review("z"))
    ledgers.close("run-1")
    await arrive(
        engine,
        review("changed", run="run-2", text="Otherwise."),
        review("new", run="run-2"),
        kept("review/earlier", run="run-2"),
    )
    assert ledgers.unencoded("run-2") == 3
    work_list.save([encoded(i) for i in backlog(engine) if i.review_id != "z"])
    assert ledgers.unencoded("run-2") == 0
    assert unencoded(engine, work_list) == ["z"]
