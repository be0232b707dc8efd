"""The work list holds exactly the reviews that have no vectors of their current text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy import Engine, insert, text

from services.embedder.database.engine import reading, writing
from services.embedder.database.review_store import UNENCODED
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.set_aside import exhausted_reviews
from services.embedder.database.work_list import (
    FEW,
    MAX_ATTEMPTS,
    StoredVectors,
    WorkItem,
    WorkList,
)
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


async def test_a_review_with_the_text_of_another_gets_its_vectors(engine: Engine) -> None:
    """Its source has given it another id, or many viewers wrote the same words."""
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a", text="The same."))
    work_list.save([encoded(item) for item in work_list.claim(9, "one")])
    same = [review(f"new-{number}", text="The same.") for number in range(7)]
    await arrive(engine, *same, review("z", text="Another."))
    assert [item.review_id for item in work_list.claim(3, "one")] == ["z"]
    assert unencoded(engine, work_list) == ["z"]
    with reading(engine) as connection:
        rows = connection.execute(
            text("SELECT spans, vectors FROM review_vectors WHERE review_id <> 'a' ORDER BY 1")
        ).all()
        first = connection.execute(
            text("SELECT spans, vectors FROM review_vectors WHERE review_id = 'a'")
        ).one()
    assert [tuple(map(bytes, row)) for row in rows] == [tuple(map(bytes, first))] * 7
    other = WorkList(engine, "another encoder")
    # "z" was claimed before and not encoded, so that it comes later.
    assert len(other.claim(100, "one")) == 8


async def test_vectors_that_are_not_usable_are_not_copied(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a", text="The same."))
    [item] = work_list.claim(9, "one")
    spoilt = replace(
        encoded(item), spans=np.empty((0, 2), np.int32), vectors=np.empty((0, 2), np.float16)
    )
    work_list.save([spoilt])
    await arrive(engine, review("b", text="The same."))
    assert [item.review_id for item in work_list.claim(9, "one")] == ["b"]


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


async def test_what_failed_is_claimed_again_a_few_at_a_time_then_alone_then_not_at_all(
    engine: Engine,
) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, *(review(f"r{n:02}") for n in range(FEW + 4)))
    most = MAX_ATTEMPTS - 1
    assert len(work_list.claim(100, "one", most_attempts=most)) == FEW + 4
    await arrive(engine, review("new"))
    fresh = work_list.claim(100, "one", most_attempts=most)
    assert [item.review_id for item in fresh] == ["new"]
    work_list.save([encoded(item) for item in fresh])
    few = work_list.claim(100, "one", most_attempts=most)
    assert len(few) == FEW
    assert work_list.claim(100, "another", most_attempts=most) == []
    work_list.save([encoded(item) for item in few[1:]])
    rest = work_list.claim(100, "one", most_attempts=most)
    assert len(rest) == 4
    work_list.save([encoded(item) for item in rest])
    for _ in range(MAX_ATTEMPTS - 2):
        assert exhausted_reviews(engine, "one") == []
        assert work_list.claim(100, "one") == []
        assert work_list.claim(100, "one", most_attempts=most) == [few[0]]
    assert work_list.claim(100, "one", most_attempts=most) == []
    [left] = exhausted_reviews(engine, "one")
    assert (left.review.review_id, left.error) == (few[0].review_id, None)
    assert (left.source, left.run_id) == ("site", "run-1")
    assert exhausted_reviews(engine, "another") == []


async def test_what_was_given_back_is_free_and_counts_as_tried_only_if_it_failed(
    engine: Engine,
) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a"))
    for _ in range(MAX_ATTEMPTS):
        [item] = work_list.claim(9, "one")
        work_list.give_back([item.review_id], error=None)
    for _ in range(MAX_ATTEMPTS):
        [item] = work_list.claim(9, "another", most_attempts=MAX_ATTEMPTS - 1)
        work_list.give_back([item.review_id], error="too odd")
    assert work_list.claim(9, "one", most_attempts=MAX_ATTEMPTS - 1) == []
    [left] = exhausted_reviews(engine, "one")
    assert left.reason == f"encoding failed {MAX_ATTEMPTS} times: too odd"


async def test_another_text_is_tried_anew(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a"))
    for _ in range(MAX_ATTEMPTS):
        work_list.claim(9, "one", most_attempts=MAX_ATTEMPTS - 1)
    assert work_list.claim(9, "one", most_attempts=MAX_ATTEMPTS - 1) == []
    await arrive(engine, review("a", text="Otherwise."))
    assert exhausted_reviews(engine, "one") == []
    assert [item.text for item in work_list.claim(9, "one")] == ["Otherwise."]


async def test_claims_are_in_the_order_of_movies(engine: Engine) -> None:
    """So that the passages of a movie, and its snapshot, are complete early."""
    work_list = WorkList(engine, "encoder")
    await arrive(engine, review("a", "tt3"), review("b", "tt1"), review("c", "tt2"))
    await arrive(engine, review("d", "tt1"), review("aa", "tt3"))
    claims = [[item.review_id for item in work_list.claim(2, f"holder-{n}")] for n in range(3)]
    assert claims == [["b", "d"], ["c", "a"], ["aa"]]
