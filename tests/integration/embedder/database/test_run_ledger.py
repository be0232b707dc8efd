"""Each item of a run is counted once, in any order and number of deliveries."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import SQLModel

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine, reading
from services.embedder.database.run_ledger import Ledger, Ledgers
from shared.delivery.messages import KeptItems, RunEnd
from shared.delivery.streams import Entry
from tests.support.embedder.arrivals import Sent, arrive, end, entries, kept, movie, review
from tests.support.soak import examples


def only_ledger(engine: Engine) -> Ledger:
    [ledger] = Ledgers(engine).open_ledgers()
    return ledger


async def test_kept_items_are_counted_apart_from_what_is_sent(engine: Engine) -> None:
    sent: list[Sent] = [movie("tt1"), review("a")]
    names = ["movie/tt2", "review/b", "review/c"]
    await arrive(engine, *sent, kept(*names), kept(*names), end(sent, kept=names))
    ledger = only_ledger(engine)
    assert (ledger.items, ledger.stored, ledger.kept_items, ledger.kept) == (2, 1, 3, 2)
    assert ledger.shortfall is None


@pytest.mark.parametrize("kept_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
async def test_what_is_both_sent_and_kept_counts_as_sent(
    engine: Engine, kept_first: bool, together: bool
) -> None:
    sent, named = review("a"), kept("review/a", "review/b")
    batch: list[Sent | KeptItems] = [named, sent] if kept_first else [sent, named]
    if together:
        await arrive(engine, *batch)
    else:
        for message in batch:
            await arrive(engine, message)
    await arrive(engine, end([sent], kept=["review/a", "review/b"]))
    ledger = only_ledger(engine)
    assert (ledger.items, ledger.stored, ledger.kept_items, ledger.kept) == (1, 1, 1, 1)
    assert ledger.shortfall is None


async def test_a_kept_item_that_is_then_refused_counts_as_refused(engine: Engine) -> None:
    await arrive(engine, kept("review/a"))
    broken = Entry("1-9", {"run": "run-1", "kind": "review", "id": "a", "body": "?"})
    await ReviewConsumer(engine, lambda _: None).on_dead(broken, "no review")
    ledger = only_ledger(engine)
    assert (ledger.items, ledger.dead, ledger.kept_items, ledger.kept) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("arrived", "ending", "shortfall"),
    [
        ([review("a")], None, "the run's end message has not arrived"),
        ([review("a")], end([review("a"), review("b")]), "2 items were sent, 1 arrived"),
        ([review("a")], end([review("b")]), "1 items were sent, and others arrived"),
        (
            [kept("review/a")],
            end([], kept=["review/a", "review/b"]),
            "2 unchanged items were named, 1 arrived",
        ),
        (
            [kept("review/a")],
            end([], kept=["review/b"]),
            "1 unchanged items were named, and others arrived",
        ),
        ([kept("review/a")], end([]), "0 unchanged items were named, 1 arrived"),
    ],
)
async def test_what_does_not_add_up_is_said(
    engine: Engine,
    arrived: list[Sent | KeptItems],
    ending: RunEnd | None,
    shortfall: str,
) -> None:
    await arrive(engine, *arrived, *([ending] if ending is not None else []))
    ledger = only_ledger(engine)
    assert ledger.shortfall == shortfall
    assert not ledger.balanced


async def test_the_ledger_of_an_end_that_came_first_learns_its_source(engine: Engine) -> None:
    broken = Entry("1-9", {"run": "run-1", "kind": "review", "id": "a", "body": "?"})
    await ReviewConsumer(engine, lambda _: None).on_dead(broken, "no review")
    await arrive(engine, end([review("a")]))
    assert only_ledger(engine).source == "site"


async def test_items_of_a_closed_run_are_stored_and_belong_to_their_source(
    engine: Engine,
) -> None:
    """A replayed dead letter arrives after its run has ended."""
    await arrive(engine, review("a"), end([review("a")]))
    Ledgers(engine).close("run-1")
    await arrive(engine, review("b"))
    assert Ledgers(engine).open_ledgers() == []
    with reading(engine) as connection:
        tables = SQLModel.metadata.tables
        assert connection.execute(tables["run_items"].select()).all() == []
        rows = connection.execute(tables["source_items"].select().order_by("item")).all()
    assert [tuple(row) for row in rows] == [
        ("site", "review/a", "run-1"),
        ("site", "review/b", "run-1"),
    ]


def rows_of(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All stored rows, without the numbers of the changes."""
    tables = {}
    with reading(engine) as connection:
        for table in SQLModel.metadata.sorted_tables:
            columns = [column for column in table.columns if column.name != "revision"]
            if table.name == "revision":
                continue
            query = table.select().with_only_columns(*columns).order_by(*table.primary_key)
            tables[table.name] = [tuple(row) for row in connection.execute(query)]
    return tables


SENT: list[Sent] = [
    movie("tt1"),
    review("a"),
    review("b"),
    movie("tt2"),
    review("c", "tt2"),
    review("x", "tt1", run="run-2", source="other"),
]
NAMES = ["review/b", "review/old", "movie/tt9"]
MESSAGES: list[Sent | KeptItems | RunEnd] = [
    *SENT,
    kept(*NAMES),
    kept("review/c", "review/older", number=1),
    end(
        [message for message in SENT if message.run_id == "run-1"],
        kept=[*NAMES, "review/c", "review/older"],
    ),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('undisturbed') / 'movies.sqlite'}")
    asyncio.run(arrive(engine, *MESSAGES))
    assert Ledgers(engine).ledger("run-1").balanced
    return rows_of(engine)


@settings(max_examples=examples(25))
@given(data=st.data())
def test_any_redelivery_in_any_order_leaves_the_same_rows(
    undisturbed: dict[str, list[tuple[object, ...]]], data: st.DataObject
) -> None:
    everything = entries(MESSAGES)
    order = data.draw(st.permutations(everything))
    again = data.draw(st.lists(st.sampled_from(everything), max_size=8))
    cuts = data.draw(st.lists(st.integers(1, 4), min_size=1))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'movies.sqlite'}")

        async def deliver() -> None:
            consumer = ReviewConsumer(engine, lambda _: None)
            left = [*order, *again]
            while left:
                size = cuts[len(left) % len(cuts)]
                await consumer.handle(left[:size])
                left = left[size:]

        asyncio.run(deliver())
        assert rows_of(engine) == undisturbed
