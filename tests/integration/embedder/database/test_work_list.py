"""The work list: never more and never less than the reviews that have no vectors of their text."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Engine, insert, text

from services.embedder.database.engine import writing
from services.embedder.database.review_store import UNENCODED
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.work_list import StoredVectors, WorkItem, WorkList
from tests.support.embedder.arrivals import arrive, kept, movie, review


def encoded(item: WorkItem) -> StoredVectors:
    spans, vectors = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    return StoredVectors(item.review_id, item.text_sha256, spans, vectors)


def work(vectors: WorkList) -> list[str]:
    found = [item.review_id for item in vectors.backlog(1000)]
    assert vectors.backlog_size() == len(found)
    return found


async def test_a_films_reviews_are_together_and_leave_when_they_are_kept(engine: Engine) -> None:
    vectors = WorkList(engine, "encoder")
    await arrive(engine, review("a", "tt2"), review("b", "tt1"), review("c", "tt2"), movie("tt2"))
    assert work(vectors) == ["b", "a", "c"]
    assert [item.review_id for item in vectors.backlog(2)] == ["b", "a"]
    vectors.save([encoded(item) for item in vectors.backlog(2)])
    assert work(vectors) == ["c"]


async def test_only_another_text_is_work(engine: Engine) -> None:
    vectors = WorkList(engine, "encoder")
    await arrive(engine, review("a"))
    vectors.save([encoded(item) for item in vectors.backlog(9)])
    rated = review("a")
    rated = rated.model_copy(update={"review": rated.review.model_copy(update={"rating": 3})})
    await arrive(engine, rated)
    assert work(vectors) == []
    await arrive(engine, review("a", text="Otherwise."))
    assert work(vectors) == ["a"]


async def test_vectors_of_a_text_that_has_changed_meanwhile_are_dropped(engine: Engine) -> None:
    vectors = WorkList(engine, "encoder")
    await arrive(engine, review("a", text="Before."))
    [before] = vectors.backlog(9)
    await arrive(engine, review("a", text="After."))
    vectors.save([encoded(before)])
    [after] = vectors.backlog(9)
    assert (after.review_id, after.text) == ("a", "After.")


async def test_opening_finds_what_another_encoder_has_to_do(engine: Engine) -> None:
    vectors = WorkList(engine, "encoder")
    await arrive(engine, review("a"), review("b"))
    vectors.save([encoded(item) for item in vectors.backlog(9)])
    assert work(WorkList(engine, "encoder")) == []
    assert work(WorkList(engine, "other")) == ["a", "b"]


async def test_opening_mends_a_work_list_that_is_wrong(engine: Engine) -> None:
    vectors = WorkList(engine, "encoder")
    await arrive(engine, review("a"), review("b"))
    vectors.save([encoded(item) for item in vectors.backlog(1)])
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM unencoded_reviews"))
        wrong = insert(UNENCODED).values(movie_id="tt1")
        for review_id in ("a", "gone"):
            connection.execute(wrong.values(review_id=review_id))
    assert work(WorkList(engine, "encoder")) == ["b"]


async def test_a_run_waits_for_all_it_saw_to_be_encoded_and_for_nothing_else(
    engine: Engine,
) -> None:
    vectors, ledgers = WorkList(engine, "encoder"), Ledgers(engine)
    await arrive(engine, review("earlier"), review("changed"), review("z"))
    ledgers.close("run-1")
    await arrive(
        engine,
        review("changed", run="run-2", text="Otherwise."),
        review("new", run="run-2"),
        kept("review/earlier", run="run-2"),
    )
    assert ledgers.unencoded("run-2") == 3
    vectors.save([encoded(i) for i in vectors.backlog(9) if i.review_id != "z"])
    assert ledgers.unencoded("run-2") == 0
    assert work(vectors) == ["z"]
