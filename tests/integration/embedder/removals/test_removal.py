"""What a complete run no longer saw is removed, once, and only if the guard allows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy import Engine, delete, select
from sqlmodel import SQLModel

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import reading, writing
from services.embedder.database.run_ledger import Ledger, Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import StoredVectors, WorkList
from services.embedder.settling.removal import Removals
from shared.delivery.messages import MovieMessage, ReviewMessage, ledger_id
from shared.delivery.streams import Entry
from shared.record import MovieRecord
from tests.support.embedder.arrivals import Sent, arrive, end, kept, movie, review
from tests.support.embedder.stored import backlog

ENCODER = "encoder"


def ids(engine: Engine, table: str, column: str) -> list[str]:
    rows = SQLModel.metadata.tables[table]
    with reading(engine) as connection:
        return list(connection.execute(select(rows.c[column]).order_by(rows.c[column])).scalars())


def review_ids(engine: Engine) -> list[str]:
    return ids(engine, "reviews", "review_id")


def movie_ids(engine: Engine) -> list[str]:
    return ids(engine, "movies", "movie_id")


def findable(engine: Engine) -> dict[str, int]:
    """The movies of the next snapshot, with their numbers of reviews, in their order."""
    with SnapshotRecords(engine, ENCODER).content() as content:
        movies = {movie["movie_id"]: len(reviews) for movie, reviews in content.rows}
        assert content.movies == len(movies)
        return movies


def encode_all(engine: Engine) -> None:
    work_list = WorkList(engine, ENCODER)
    work_list.save(
        [
            StoredVectors(
                item.review_id,
                item.text_sha256,
                np.array([[0, 4]], dtype=np.int32),
                np.ones((1, 2), dtype=np.float16),
            )
            for item in backlog(engine)
        ]
    )


def publish(engine: Engine) -> None:
    records = SnapshotRecords(engine, ENCODER)
    with records.content() as content:
        sequence = records.begin(content.revision)
        records.published(sequence, f"{sequence:08d}-00000000", content.movies)


async def crawl(
    engine: Engine,
    *sent: Sent,
    names: tuple[str, ...] = (),
    complete: bool = True,
    allowed: bool = False,
) -> Ledger:
    """A complete run of one source; ``names`` are kept."""
    run, source = sent[0].run_id if sent else "run-2", sent[0].source if sent else "site"
    ending = end(sent, kept=names, run=run, source=source, complete=complete)
    named = [kept(*names, run=run, source=source)] if names else []
    await arrive(engine, *sent, *named, ending)
    encode_all(engine)
    ledger = Removals(engine).decide(run, allowed=allowed)
    publish(engine)
    Ledgers(engine).close(run)
    return ledger


FIRST: list[Sent] = [
    movie("tt1"), review("a", "tt1"), review("b", "tt1"), review("c", "tt1"),
    movie("tt2"), review("d", "tt2"),
    movie("tt3"), review("e", "tt3"), review("f", "tt3"),
]  # fmt: skip


def again(*items: Sent, run: str = "run-2") -> list[Sent]:
    return [item.model_copy(update={"run_id": run}) for item in items]


async def test_a_review_that_is_gone_goes_with_its_vectors(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    records = SnapshotRecords(engine, ENCODER)
    assert not records.changed_since_published()
    left = [item for item in FIRST if item.item_id != "b"]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    ledger = Removals(engine).decide("run-2", allowed=False)
    assert (ledger.removed, ledger.fault) == (1, None)
    assert review_ids(engine) == ["a", "c", "d", "e", "f"]
    assert ids(engine, "review_vectors", "review_id") == ["a", "c", "d", "e", "f"]
    assert movie_ids(engine) == ["tt1", "tt2", "tt3"]
    assert ids(engine, "removed_movies", "movie_id") == []
    assert records.changed_since_published()
    with records.content() as content:
        assert (content.movies, content.reviews) == (3, 5)


async def test_reviews_with_other_ids_are_replaced_whatever_their_share(engine: Engine) -> None:
    """A later version makes ids by other rules: the guard is not for that."""
    await crawl(engine, *FIRST)
    new: list[Sent] = [
        review(f"new-{item.item_id}", item.review.movie_id, run="run-2", text=item.review.text)
        if isinstance(item, ReviewMessage)
        else item.model_copy(update={"run_id": "run-2"})
        for item in FIRST
    ]
    ledger = await crawl(engine, *new)
    assert (ledger.stored, ledger.removed, ledger.fault) == (6, 0, None)
    assert review_ids(engine) == [f"new-{name}" for name in "abcdef"]
    assert backlog(engine) == []


async def test_a_source_neither_overwrites_the_review_of_another_nor_takes_it_along(
    engine: Engine,
) -> None:
    """Reviews of IMDb have one id in every source."""
    shared = "imdb:rw1234567"
    mine = review(shared, "tt1", text="Mine.")
    await crawl(engine, movie("tt1"), mine, review("a", "tt1"))
    theirs: list[Sent] = [
        movie("tt1", run="other-1", source="other"),
        movie("tt2", run="other-1", source="other"),
        review(shared, "tt2", run="other-1", source="other", text="Theirs."),
        review("other:1", "tt2", run="other-1", source="other"),
    ]
    ledger = await crawl(engine, *theirs)
    assert (ledger.stored, ledger.duplicate) == (1, 1)
    assert texts(engine)[shared] == ("Mine.", "tt1")
    left = [item for item in theirs if item.item_id != shared]
    await crawl(engine, *again(*left, run="other-2"))
    assert texts(engine)[shared] == ("Mine.", "tt1")


async def test_a_review_whose_first_source_has_lost_it_is_as_the_next_one_tells_it(
    engine: Engine,
) -> None:
    shared = "imdb:rw1234567"
    await crawl(engine, movie("tt1"), review(shared, "tt1", text="Mine."), review("a", "tt1"))
    theirs: list[Sent] = [
        review(shared, "tt2", run="other-1", source="other", text="Theirs."),
        movie("tt2", run="other-1", source="other"),
    ]
    await crawl(engine, *theirs)
    ledger = await crawl(engine, *again(movie("tt1"), review("a", "tt1")))
    assert (ledger.removed, ledger.fault) == (0, None)
    assert texts(engine)[shared] == ("Theirs.", "tt2")
    assert [item.text for item in backlog(engine)] == ["Theirs."]
    changed = review(shared, "tt2", run="other-2", source="other", text="Theirs, again.")
    await crawl(engine, changed, movie("tt2", run="other-2", source="other"))
    assert texts(engine)[shared] == ("Theirs, again.", "tt2")
    ledger = await crawl(engine, movie("tt2", run="other-3", source="other"), allowed=True)
    assert (ledger.removed, shared in texts(engine)) == (1, False)


def texts(engine: Engine) -> dict[str, tuple[str, str]]:
    reviews = SQLModel.metadata.tables["reviews"]
    with reading(engine) as connection:
        rows = connection.execute(select(reviews.c.review_id, reviews.c.text, reviews.c.movie_id))
        return {row.review_id: (row.text, row.movie_id) for row in rows}


async def test_a_copy_that_the_source_had_before_replaces_nothing(engine: Engine) -> None:
    same = [review(name, "tt1", text="Great film!") for name in "abc"]
    await crawl(engine, movie("tt1"), *same)
    ledger = await crawl(engine, *again(movie("tt1"), same[0], same[1]))
    assert (ledger.removed, review_ids(engine)) == (1, ["a", "b"])


async def test_the_facts_of_a_source_go_with_it(engine: Engine) -> None:
    plain = movie("tt1", run="facts-1", source="facts")
    known = MovieRecord("tt1", title="By facts", year=1999)
    facts = plain.model_copy(update={"movie": known, "trust": 5})
    await crawl(engine, movie("tt1"), review("a", "tt1"))
    other = movie("tt2", run="facts-1", source="facts")
    third = movie("tt3", run="facts-1", source="facts")
    await crawl(engine, facts, other, third)
    assert believed(engine, "tt1") == ("By facts", 1999)
    await crawl(engine, *again(other, third, run="facts-2"))
    assert believed(engine, "tt1") == ("TT1", None)
    assert movie_ids(engine) == ["tt1", "tt2", "tt3"]


def believed(engine: Engine, movie_id: str) -> tuple[str | None, int | None]:
    with reading(engine) as connection:
        movies = SQLModel.metadata.tables["movies"]
        query = select(movies.c.title, movies.c.year).where(movies.c.movie_id == movie_id)
        title, year = connection.execute(query).one()
        return title, year


async def test_a_review_without_vectors_leaves_the_work_list_too(engine: Engine) -> None:
    await arrive(engine, *FIRST, end(FIRST, complete=True))
    Ledgers(engine).close("run-1")
    left = [item for item in FIRST if item.item_id != "b"]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    assert Removals(engine).decide("run-2", allowed=False).removed == 1
    work = [item.review_id for item in backlog(engine)]
    assert sorted(work) == ["a", "c", "d", "e", "f"]
    assert ids(engine, "unencoded_reviews", "review_id") == ["a", "c", "d", "e", "f"]


async def test_a_movie_whose_last_review_is_gone_is_found_by_its_facts(engine: Engine) -> None:
    """Its page is still there."""
    await crawl(engine, *FIRST)
    left = [item for item in FIRST if item.item_id != "d"]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    assert Removals(engine).decide("run-2", allowed=False).removed == 1
    assert movie_ids(engine) == ["tt1", "tt2", "tt3"]
    assert ids(engine, "removed_movies", "movie_id") == []
    assert SnapshotRecords(engine, ENCODER).changed_since_published()
    assert findable(engine) == {"tt1": 3, "tt3": 2, "tt2": 0}


async def test_a_movie_of_which_nothing_is_known_leaves_the_searches(engine: Engine) -> None:
    unnamed = MovieMessage(run_id="run-1", source="site", movie=MovieRecord("tt9"))
    await crawl(engine, *FIRST, unnamed, review("z", "tt9"))
    await crawl(engine, *again(*FIRST, unnamed))
    assert movie_ids(engine) == ["tt1", "tt2", "tt3", "tt9"]
    assert ids(engine, "removed_movies", "movie_id") == ["tt9"]
    assert findable(engine) == {"tt1": 3, "tt2": 1, "tt3": 2}


async def test_a_movie_without_reviews_goes_when_its_source_no_longer_has_it(
    engine: Engine,
) -> None:
    await crawl(engine, *FIRST, movie("tt9"))
    assert findable(engine) == {"tt1": 3, "tt2": 1, "tt3": 2, "tt9": 0}
    partly = await crawl(engine, *again(*FIRST), complete=False)
    assert (partly.removed, findable(engine)["tt9"]) == (0, 0)
    await crawl(engine, *again(*FIRST, run="run-3"))
    assert ids(engine, "removed_movies", "movie_id") == ["tt9"]
    assert findable(engine) == {"tt1": 3, "tt2": 1, "tt3": 2}


async def test_a_movie_that_is_gone_altogether_is_deleted(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    left = [item for item in FIRST if item.item_id not in {"tt2", "d"}]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    assert Removals(engine).decide("run-2", allowed=False).removed == 1
    assert movie_ids(engine) == ["tt1", "tt3"]
    assert ids(engine, "removed_movies", "movie_id") == ["tt2"]
    assert SnapshotRecords(engine, ENCODER).changed_since_published()


async def test_a_movie_that_comes_back_is_no_longer_a_removed_one(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    await crawl(engine, *again(*(i for i in FIRST if i.item_id not in {"tt2", "d"})))
    records = SnapshotRecords(engine, ENCODER)
    assert not records.changed_since_published()
    await crawl(engine, *again(*FIRST, run="run-3"))
    assert ids(engine, "removed_movies", "movie_id") == []
    assert review_ids(engine) == list("abcdef")
    with records.content() as content:
        assert content.movies == 3


async def test_a_movie_that_its_source_lost_stays_while_it_has_reviews(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    left = [item for item in FIRST if item.item_id != "tt2"]
    ledger = await crawl(engine, *again(*left))
    assert (ledger.removed, ledger.fault) == (0, None)
    assert movie_ids(engine) == ["tt1", "tt2", "tt3"]


async def test_what_was_kept_is_not_gone(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    names = tuple(ledger_id(i.kind, i.item_id) for i in FIRST if i.item_id not in {"a", "b"})
    ledger = await crawl(engine, *again(review("a", "tt1")), names=names)
    assert (ledger.removed, ledger.fault, ledger.kept) == (1, None, 4)
    assert review_ids(engine) == ["a", "c", "d", "e", "f"]


async def test_a_refused_item_is_not_gone(engine: Engine) -> None:
    """The run saw the item: it may be readable again later."""
    await crawl(engine, *FIRST)
    readable = again(*(item for item in FIRST if item.item_id != "b"))
    broken = Entry("1-99", {"run": "run-2", "kind": "review", "id": "b", "body": "?"})
    await ReviewConsumer(engine, lambda _: None).on_dead(broken, "no review")
    await arrive(engine, *readable, end(FIRST, run="run-2", complete=True))
    assert Removals(engine).decide("run-2", allowed=False).removed == 0
    assert review_ids(engine) == list("abcdef")


async def test_a_run_that_did_not_see_everything_removes_nothing(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    ledger = await crawl(engine, *again(*FIRST[:4]), complete=False)
    assert (ledger.removed, ledger.fault) == (0, None)
    assert review_ids(engine) == list("abcdef")


async def test_a_run_that_does_not_balance_removes_nothing(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    await arrive(engine, *again(*FIRST[:5]), end(FIRST[:6], run="run-2", complete=True))
    ledger = Removals(engine).decide("run-2", allowed=True)
    assert (ledger.removed, ledger.fault) == (None, None)
    assert review_ids(engine) == list("abcdef")


async def test_what_another_source_has_stays_until_that_loses_it_too(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    shared = review("a", "tt1", run="other-1", source="other")
    extra = review("z", "tt9", run="other-1", source="other")
    await crawl(engine, shared, extra)
    ledger = await crawl(engine, *again(*(i for i in FIRST if i.item_id != "a")))
    assert (ledger.removed, ledger.fault) == (0, None)
    assert "a" in review_ids(engine)
    ledger = await crawl(engine, *again(extra, run="other-2"))
    assert (ledger.removed, ledger.fault) == (1, None)
    assert review_ids(engine) == ["b", "c", "d", "e", "f", "z"]


async def test_half_may_go_and_more_than_half_may_not(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    left = [item for item in FIRST if item.item_id not in {"a", "b", "e"}]
    ledger = await crawl(engine, *again(*left))
    assert (ledger.removed, ledger.fault) == (3, None)
    left = [item for item in left if item.item_id not in {"c", "f"}]
    before = review_ids(engine), movie_ids(engine), ids(engine, "source_items", "item")
    ledger = await crawl(engine, *again(*left, run="run-3"))
    assert ledger.removed == 0
    assert ledger.fault == (
        "2 of the 3 reviews and 0 of the 3 movies that source site had are gone from it, more "
        "than half: nothing was removed; to confirm, crawl it again with `movie-search ingest "
        'site --allow-removals`, or "allow_removals": true'
    )
    assert (review_ids(engine), movie_ids(engine), ids(engine, "source_items", "item")) == before
    assert not SnapshotRecords(engine, ENCODER).changed_since_published()


async def test_more_than_half_of_the_movies_may_not_go_either(engine: Engine) -> None:
    many = [review(f"many-{n}", "tt1") for n in range(9)]
    await crawl(engine, *FIRST, *many)
    left = [i for i in FIRST if i.item_id not in {"tt2", "tt3", "d", "e", "f"}]
    ledger = await crawl(engine, *again(*left, *many))
    assert ledger.removed == 0
    assert ledger.fault is not None
    assert ledger.fault.startswith("3 of the 15 reviews and 2 of the 3 movies")
    assert movie_ids(engine) == ["tt1", "tt2", "tt3"]


async def test_what_the_run_itself_brought_does_not_outweigh_what_is_gone(engine: Engine) -> None:
    """A site that has other reviews than before has lost all that it had."""
    await crawl(engine, *FIRST)
    renamed = [
        item.model_copy(
            update={
                "review": replace(
                    item.review, review_id=f"new-{item.item_id}", text=f"Of {item.item_id}."
                )
            }
        )
        if isinstance(item, ReviewMessage)
        else item
        for item in again(*FIRST)
    ]
    ledger = await crawl(engine, *renamed)
    assert ledger.fault is not None
    assert ledger.fault.startswith("6 of the 6 reviews and 0 of the 3 movies")
    assert len(review_ids(engine)) == 12


async def test_an_operators_word_lets_more_than_half_go(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    ledger = await crawl(engine, *again(*FIRST[:2]), allowed=True)
    assert (ledger.removed, ledger.fault) == (5, None)
    assert review_ids(engine) == ["a"]
    assert movie_ids(engine) == ["tt1"]


async def test_nothing_takes_away_the_last_movie(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    ledger = await crawl(engine, allowed=True)
    assert ledger.removed == 0
    assert ledger.fault == (
        "source site no longer has any of its 6 reviews and 3 movies, and without them there "
        "would be nothing to search: nothing was removed"
    )
    assert review_ids(engine) == list("abcdef")


async def test_the_last_reviews_may_go_when_movies_are_left(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    ledger = await crawl(engine, *again(movie("tt1")), allowed=True)
    assert (ledger.removed, ledger.fault) == (6, None)
    assert findable(engine) == {"tt1": 0}


async def test_a_source_may_go_empty_when_another_is_left(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    await crawl(engine, review("z", "tt9", run="other-1", source="other"))
    ledger = await crawl(engine, allowed=True)
    assert (ledger.removed, ledger.fault) == (6, None)
    assert (review_ids(engine), movie_ids(engine)) == (["z"], ["tt9"])


async def test_a_kept_review_that_is_not_there_is_a_fault(engine: Engine) -> None:
    """The database was lost or replaced after the run that read the kept pages."""
    await crawl(engine, *FIRST)
    names = ("movie/tt1", "review/a", "review/lost", "review/lost-too")
    ledger = await crawl(engine, *again(*FIRST[2:]), names=names)
    assert ledger.removed == 0
    assert ledger.fault == (
        "2 of 3 reviews on unchanged pages are not in the database: it was lost or replaced; "
        "the next crawl of the source reads every page again"
    )
    assert "review/lost" not in ids(engine, "source_items", "item")


async def test_what_was_kept_belongs_to_its_source(engine: Engine) -> None:
    """An earlier version stored only the source that sent a review last."""
    await crawl(engine, *FIRST)
    await crawl(engine, review("a", "tt1", run="other-1", source="other"))
    items = SQLModel.metadata.tables["source_items"]
    with writing(engine) as connection:
        connection.execute(delete(items).where(items.c.source == "site"))
    names = tuple(ledger_id(item.kind, item.item_id) for item in FIRST)
    await crawl(engine, names=names)
    with reading(engine) as connection:
        query = select(items.c["item"]).where(items.c.source == "site")
        assert sorted(connection.execute(query).scalars()) == sorted(names)
    ledger = await crawl(engine, review("z", "tt9", run="other-2", source="other"), allowed=True)
    assert (ledger.removed, ledger.fault) == (0, None)
    assert "a" in review_ids(engine)


async def test_the_first_decision_stands(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    left = FIRST[:2]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    removals = Removals(engine)
    refused = removals.decide("run-2", allowed=False)
    assert refused.fault is not None
    assert removals.decide("run-2", allowed=True) == refused
    assert review_ids(engine) == list("abcdef")


async def test_deciding_again_removes_nothing_more(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    left = [item for item in FIRST if item.item_id != "b"]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    removals = Removals(engine)
    decided = removals.decide("run-2", allowed=False)
    # Another run has seen it again before the snapshot of the first one.
    await arrive(engine, review("b", "tt1", run="run-3", source="other"))
    with reading(engine) as connection:
        revision = connection.execute(select(SQLModel.metadata.tables["revision"].c.value)).scalar()
    assert removals.decide("run-2", allowed=False) == decided
    assert review_ids(engine) == list("abcdef")
    with reading(engine) as connection:
        after = connection.execute(select(SQLModel.metadata.tables["revision"].c.value)).scalar()
    assert after == revision


async def test_the_movies_a_removal_took_explain_a_smaller_snapshot(engine: Engine) -> None:
    await crawl(engine, *FIRST)
    records = SnapshotRecords(engine, ENCODER)
    left = FIRST[:4]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    Removals(engine).decide("run-2", allowed=True)
    assert records.movies_removed_since(1, "00000001-00000000") == 2
    assert records.movies_removed_since(1, "00000001-of-others") == 0
    publish(engine)
    assert records.movies_removed_since(2, "00000002-00000000") == 0


async def test_vectors_made_for_a_review_that_is_gone_are_dropped(engine: Engine) -> None:
    await arrive(engine, *FIRST, end(FIRST, complete=True))
    Ledgers(engine).close("run-1")
    work_list = WorkList(engine, ENCODER)
    work = backlog(engine)
    left = [item for item in FIRST if item.item_id != "b"]
    await arrive(engine, *again(*left), end(left, run="run-2", complete=True))
    Removals(engine).decide("run-2", allowed=False)
    spans, values = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    work_list.save([StoredVectors(w.review_id, w.text_sha256, spans, values) for w in work])
    assert ids(engine, "review_vectors", "review_id") == ["a", "c", "d", "e", "f"]
    assert ids(engine, "unencoded_reviews", "review_id") == []
