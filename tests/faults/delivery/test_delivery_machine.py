"""Whatever happens on the way, every message is stored once or is a dead letter, and none is lost.

Hypothesis publishes, replays in any order, lets consumers run, die and lose replies between any two
of their steps (``tests.support.delivery.faulty_delivery``), and has a server forget what it was
told. After each step and at rest the invariants of delivery must hold:

- I1: what is off the stream is in SQL or is a dead letter;
- I2: at rest the stream is empty, nothing is pending, and the ledger of each run that has ended
  balances;
- I3: at rest the rows are those of the messages, each once, in whatever order they came;
- I4: rest is reached in a bounded number of rounds;
- I5: no pending entry has lost its payload;
- I6: poison, and nothing else, is a dead letter, once, after at most six deliveries.

The same machine then meets consumers with a rule left out. For each there is a sequence of its
steps in which it finds them out, and which the real consumer passes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from sqlalchemy import Connection

from services.embedder.database import run_ledger as embedder_ledger
from services.embedder.database.engine import open_engine
from shared.delivery import streams
from shared.delivery.dead_letters import letter_of
from shared.delivery.messages import (
    RunEnd,
    checksum_of_ids,
    ledger_id,
)
from shared.delivery.redis_client import Client
from shared.delivery.streams import MAX_DELIVERIES, Entry
from tests.support.counts import Counted
from tests.support.delivery.faulty_delivery import (
    FAULTS,
    KILLS,
    RAISES,
    Delivery,
    Fault,
    Fields,
    Parts,
    StagedConsumer,
    StagedPending,
)
from tests.support.delivery.messages import movie, review
from tests.support.delivery.redis_server import RedisServer
from tests.support.soak import examples

RUNS = ("run-1", "run-2")
POISON = {"raises": f"{RAISES}-", "kills": f"{KILLS}-", "is no message": "broken-"}
ROUNDS_TO_REST = 30

faults = st.builds(
    lambda fault, nth, more: Fault(fault[0], fault[1], nth, more),
    st.sampled_from(FAULTS),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from([0, 0, 0, 8]),
)


def _item(run: str, number: int, poison: str | None) -> Fields:
    """A review that is poison, a review, or a movie; the same number is the same in all runs."""
    if poison is None and number % 3 == 0:
        return movie(number, run_id=run).to_fields()
    message = review(number // 3 * 3, number, f"What viewer {number} says.", run_id=run)
    if poison is None:
        return message.to_fields()
    named = replace(message.review, review_id=f"{POISON[poison]}{number}")
    fields = message.model_copy(update={"review": named}).to_fields()
    return {**fields, "body": "{"} if poison == "is no message" else fields


class DeliveryMachine(RuleBasedStateMachine):
    """See the module. ``arena`` is set by the test."""

    arena: ClassVar[Arena]

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir=self.arena.folder)
        self.delivery = Delivery(
            self.arena.url,
            Path(self._folder.name),
            self.arena.folder / "template.sqlite",
            self.arena.parts,
        )
        self.sent: dict[str, Fields] = {}
        self.ended: set[str] = set()
        self.forgotten = 0  # entries that the server has lost its count of

    def teardown(self) -> None:
        try:
            self.comes_to_rest(None)
        finally:
            self.close()

    def close(self) -> None:
        self.arena.faults += self.delivery.faults
        self.delivery.close()
        self._folder.cleanup()

    def again(self) -> None:
        """Everything once more."""
        self._publish(list(self.sent.values()))

    def _publish(self, messages: Sequence[Fields]) -> None:
        self.sent.update(zip(self.delivery.publish(messages), messages, strict=True))

    @initialize(
        numbers=st.lists(st.integers(0, 8), min_size=3, max_size=9, unique=True),
        poison=st.sampled_from([None, *POISON]),
    )
    def begin(self, numbers: list[int], poison: str | None) -> None:
        self.publish(RUNS[0], numbers, poison)

    @rule(
        run=st.sampled_from(RUNS),
        numbers=st.lists(st.integers(0, 8), min_size=1, max_size=6),
        poison=st.sampled_from([None, None, *POISON]),
    )
    def publish(self, run: str, numbers: list[int], poison: str | None) -> None:
        if run not in self.ended:
            kinds = [poison] + [None] * (len(numbers) - 1)
            self._publish([_item(run, n, kind) for n, kind in zip(numbers, kinds, strict=True)])

    @rule(run=st.sampled_from(RUNS))
    def end(self, run: str) -> None:
        names = {
            ledger_id(fields["kind"], fields["id"])
            for fields in self.sent.values()
            if fields["run"] == run and fields["kind"] != "run_end"
        }
        if names and run not in self.ended:
            self.ended.add(run)
            total = RunEnd(
                run_id=run, source="test", emitted=len(names), checksum=checksum_of_ids(names)
            )
            self._publish([total.to_fields()])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Entries again, any number of times in any order: what a lost reply to XADD leads to."""
        known = [fields for _, fields in sorted(self.sent.items())]
        self._publish(data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6)))

    @rule(
        name=st.sampled_from(["a", "b"]),
        rounds=st.integers(1, 4),
        claims=st.booleans(),
        fault=faults,
    )
    def consume(self, name: str, rounds: int, claims: bool, fault: Fault) -> None:
        self.delivery.consume(name, rounds=rounds, min_idle_ms=0 if claims else 60_000, fault=fault)

    @rule()
    def server_forgets(self) -> None:
        forgotten = self.delivery.forget_one()
        self.forgotten += forgotten
        self.arena.forgotten += forgotten

    @rule(fault=st.none() | faults)
    def comes_to_rest(self, fault: Fault | None) -> None:
        deadly = sum(KILLS in fields["id"] for fields in self.sent.values())
        for _ in range(2 + MAX_DELIVERIES * deadly):
            lives = self.delivery.consume("a", rounds=ROUNDS_TO_REST, min_idle_ms=0, fault=fault)
            fault = None
            if lives:
                break
        # I4 and I2.
        assert self.delivery.on_stream() == set()
        assert self.delivery.pending() == {}
        self._letters_are_the_poison()
        self._rows_are_the_messages()
        self._ledgers_balance()

    def _letters_are_the_poison(self) -> None:
        found = sorted(letter["entry"] for letter in self.delivery.letters())
        assert found == sorted(entry_id for entry_id, fields in self.sent.items() if bad(fields))

    def _rows_are_the_messages(self) -> None:
        good = [fields for fields in self.sent.values() if not bad(fields)]
        for kind, query in (
            ("movie", "SELECT movie_id FROM movies WHERE title IS NOT NULL ORDER BY 1"),
            ("review", "SELECT review_id FROM reviews ORDER BY 1"),
        ):
            ids = sorted({fields["id"] for fields in good if fields["kind"] == kind})
            assert [row[0] for row in self.delivery.rows(query)] == ids
        for review_id, text in self.delivery.rows("SELECT review_id, text FROM reviews"):
            assert str(text) == f"What viewer {str(review_id).rpartition('-')[2]} says."

    def _ledgers_balance(self) -> None:
        ledgers = self.delivery.rows(
            "SELECT run_id, items, expected, checksum, expected_checksum, stored + duplicate, dead "
            "FROM run_ledgers"
        )
        for run_id, items, expected, checksum, expected_checksum, arrived, dead in ledgers:
            if run_id not in self.ended:
                continue
            assert (items, checksum) == (expected, expected_checksum)
            reviews = {f["id"]: f for f in self.sent.values() if f["run"] == run_id}
            kinds = [bad(f) for f in reviews.values() if f["kind"] == "review"]
            assert (arrived, dead) == (kinds.count(False), kinds.count(True))

    @invariant()
    def nothing_leaves_before_it_is_committed(self) -> None:
        """I1."""
        gone = set(self.sent) - self.delivery.on_stream()
        if not gone:
            return
        buried = {letter["entry"] for letter in self.delivery.letters()}
        stored = {
            "movie": self._ids("SELECT movie_id FROM movies WHERE title IS NOT NULL"),
            "review": self._ids("SELECT review_id FROM reviews"),
            "run_end": self._ids("SELECT run_id FROM run_ledgers WHERE expected IS NOT NULL"),
        }
        for entry_id in gone - buried:
            fields = self.sent[entry_id]
            assert fields["id"] in stored[fields["kind"]], fields

    def _ids(self, query: str) -> set[object]:
        return {row[0] for row in self.delivery.rows(query)}

    @invariant()
    def no_payload_is_gone(self) -> None:
        """I5."""
        assert self.delivery.lost_ids() == 0

    @invariant()
    def nothing_is_delivered_for_ever(self) -> None:
        """I6."""
        assert max(self.delivery.pending().values(), default=0) <= MAX_DELIVERIES
        for letter in self.delivery.letters():
            assert int(letter["deliveries"]) <= MAX_DELIVERIES
        # A server that forgets an entry begins to count its deliveries again.
        most = MAX_DELIVERIES * (1 + self.forgotten)
        assert max(self.delivery.killed.values(), default=0) <= most


def bad(fields: Fields) -> bool:
    """Whether an entry is poison."""
    return fields["id"].startswith(tuple(POISON.values()))


@dataclass
class Arena:
    """Where a machine runs, with which parts, and what it has done."""

    url: str
    folder: Path
    parts: Parts = field(default_factory=Parts)
    faults: int = 0
    forgotten: int = 0


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    # In memory where that can be: processes die here, no machine does, and syncing takes long.
    memory = Path("/dev/shm")  # noqa: S108
    home = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ms-delivery-", dir=home) as name:
        folder = Path(name)
        open_engine(f"sqlite:///{folder / 'template.sqlite'}").dispose()
        server = RedisServer(folder)
        server.start()
        try:
            yield Arena(server.url, folder)
        finally:
            server.stop()


def test_the_invariants_hold_whatever_happens(arena: Arena, counted: Counted) -> None:
    arena.faults = arena.forgotten = 0
    sequences = examples(40)
    run_state_machine_as_test(
        type("Machine", (DeliveryMachine,), {"arena": arena}),
        settings=settings(
            max_examples=sequences,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    counted("sequences", sequences)
    counted("faults between two steps", arena.faults)
    counted("deletions forgotten by the server", arena.forgotten)


class _AcksFirst(StagedConsumer):
    async def _handle(self, entries: Sequence[Entry]) -> None:
        await self._early.acknowledge(entries)
        await super()._handle(entries)

    async def _process(self, pending: Any, entries: list[Entry]) -> None:
        self._early = pending
        await super()._process(pending, entries)


class _SkipsItsOwn(StagedConsumer):
    async def _drain_own(self, *_: Any) -> bool:
        return True


class _RepeatsReads(StagedConsumer):
    """As a client with retries does; a consumer that drains at start only is stranded by it."""

    _drained = False

    async def _read_new(self, reader: Client, *, block_ms: int) -> list[Entry]:
        try:
            return await super()._read_new(reader, block_ms=block_ms)
        except RedisConnectionError:
            return await super()._read_new(reader, block_ms=block_ms)

    async def _drain_own(self, *args: Any) -> bool:
        if not self._drained:
            self._drained = await super()._drain_own(*args)
        return True

    async def _claim(self, *_: Any) -> None:
        """Nobody else dies here."""


class _ClaimsNothing(StagedConsumer):
    async def _claim(self, *_: Any) -> None:
        """What others left stays with them."""


class _BlamesTheInnocent(StagedConsumer):
    async def _undo_delivery(self, *_: Any) -> None:
        self._in_flight.clear()


class _BuriesUncounted(StagedConsumer):
    async def _dead_letter(self, pending: Any, entry: Entry, reason: str) -> None:
        await pending.dead_letter(self.dead_stream, entry, reason)


class _DropsWhatFails(StagedConsumer):
    async def _failed_alone(self, pending: Any, entry: Entry, error: Exception) -> None:
        await pending.acknowledge([entry])


class _StartsAtTheEnd(StagedPending):
    """And looks for no orphans, which would mend it."""

    async def ensure_group(self) -> None:
        with suppress(ResponseError):
            await self.redis.xgroup_create(self.stream, self.group, id="$", mkstream=True)


class _LeavesOrphans(StagedPending):
    async def ensure_group(self) -> None:
        with suppress(ResponseError):
            await self.redis.xgroup_create(self.stream, self.group, id="0", mkstream=True)


class _ForgetsToDelete(_LeavesOrphans):
    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        await self.redis.xack(self.stream, self.group, *(entry.entry_id for entry in entries))


class _DoesNotCount(StagedPending):
    async def deliver(self, counts: Mapping[str, int]) -> list[Entry]:
        return await super().deliver({entry_id: count - 1 for entry_id, count in counts.items()})


class _CountsRepeats(StagedPending):
    """``XCLAIM`` as it comes: each repeat of the command is a delivery more."""

    async def deliver(self, counts: Mapping[str, int]) -> list[Entry]:
        return await super().deliver({entry_id: count + 1 for entry_id, count in counts.items()})


class _BuriesTwice(StagedPending):
    async def dead_letter(self, dead_stream: str, entry: Entry, reason: str) -> None:
        for _ in range(1 + self.stage.due("burying", "repeat")):
            letter = letter_of(entry.fields, entry_id=entry.entry_id, reason=reason, deliveries=1)
            await self.redis.xadd(dead_stream, letter)
            await self.redis.xack(self.stream, self.group, entry.entry_id)
            await self.redis.xdel(self.stream, entry.entry_id)


class _DeletesBeforeTheLetter(StagedPending):
    async def dead_letter(self, dead_stream: str, entry: Entry, reason: str) -> None:
        await self.redis.xack(self.stream, self.group, entry.entry_id)
        await self.redis.xdel(self.stream, entry.entry_id)
        self.stage.at("buried")
        await self.redis.xadd(
            dead_stream, letter_of(entry.fields, entry_id=entry.entry_id, reason="", deliveries=1)
        )


async def _append_trimmed(
    redis: Client, stream: str, messages: Sequence[Mapping[str, str]]
) -> list[str]:
    return [
        await redis.xadd(stream, dict(message), maxlen=5, approximate=False) for message in messages
    ]


def _count_each_arrival(connection: Connection, items: Sequence[embedder_ledger.Item]) -> None:
    embedder_ledger._open(connection, {item.run_id: item.source for item in items})
    for item in items:
        embedder_ledger._add(connection, item.run_id, {item.item: item.outcome})


def _add_up_ends(connection: Connection, end: RunEnd, entry_id: str) -> None:
    found = connection.exec_driver_sql(
        "SELECT coalesce(max(expected), 0) FROM run_ledgers WHERE run_id = ?", (end.run_id,)
    ).scalar_one()
    _record_end(connection, end.model_copy(update={"emitted": end.emitted + found}), entry_id)


_record_end = embedder_ledger.record_end


@dataclass(frozen=True)
class Mutant:
    """A consumer with a rule left out, and what finds it out."""

    steps: Sequence[Callable[[DeliveryMachine], object]]
    parts: Parts = field(default_factory=Parts)
    patched: tuple[object, str, object] | None = None


def _publish(*numbers: int, poison: str | None = None) -> Callable[[DeliveryMachine], object]:
    return lambda machine: machine.publish(RUNS[0], list(numbers), poison)


def _consume(
    step: str, how: str, *, name: str = "a", rounds: int = 1, more: int = 0
) -> Callable[[DeliveryMachine], object]:
    fault = Fault(step, how, more=more)
    return lambda machine: machine.consume(name, rounds, claims=False, fault=fault)


def _rest(fault: Fault | None = None) -> Callable[[DeliveryMachine], object]:
    return lambda machine: machine.comes_to_rest(fault)


def _end(machine: DeliveryMachine) -> None:
    machine.end(RUNS[0])


_again, _forgets = DeliveryMachine.again, DeliveryMachine.server_forgets

MUTANTS = {
    "acknowledged first": Mutant(
        [_publish(1, 2), _consume("handed over", "die")], Parts(consumer=_AcksFirst)
    ),
    "the stream is trimmed": Mutant(
        [_publish(1, 2, 3, 4, 5, 6)], patched=(streams, "append", _append_trimmed)
    ),
    "own pending list skipped": Mutant(
        [_publish(1, 2), _consume("read", "die"), _rest()], Parts(consumer=_SkipsItsOwn)
    ),
    "the group starts at $": Mutant(
        [_publish(1, 2), _rest()], Parts(pending=_StartsAtTheEnd)
    ),
    "the blocking reader repeats": Mutant(
        [_publish(1, 2, 4, 5, 7, 8), _rest(Fault("read", "lose"))], Parts(consumer=_RepeatsReads)
    ),
    "entries of the dead are not claimed": Mutant(
        [_publish(1, 2), _consume("read", "die", name="b"), _rest()],
        Parts(consumer=_ClaimsNothing),
    ),
    "orphans are not delivered again": Mutant(
        [_publish(1, 2), _consume("read", "die"), _forgets, _rest()],
        Parts(pending=_LeavesOrphans),
    ),
    "acknowledged, not deleted": Mutant(
        [_publish(1, 2), _rest()], Parts(pending=_ForgetsToDelete)
    ),
    "waiting counts as a delivery": Mutant(
        [_publish(1, 2), _consume("handed over", "away", rounds=20, more=8), _rest()],
        Parts(consumer=_BlamesTheInnocent),
    ),
    "deliveries are not counted": Mutant(
        [_publish(1, poison="kills"), _rest()], Parts(pending=_DoesNotCount)
    ),
    "deliveries are counted twice": Mutant(
        [
            _publish(1), _consume("read", "die"), *[_consume("delivered", "die")] * 3, _rest(),
        ],
        Parts(pending=_CountsRepeats),
    ),
    "no limit of deliveries": Mutant(
        [_publish(1, poison="kills"), _rest()], patched=(streams, "MAX_DELIVERIES", 50)
    ),
    "suspects are not handled alone": Mutant(
        [_publish(1, 2, 4, poison="kills"), _rest()], patched=(streams, "ALONE_AFTER", 50)
    ),
    "what fails is dropped": Mutant(
        [_publish(1, poison="raises"), _rest()], Parts(consumer=_DropsWhatFails)
    ),
    "the dead are not in the ledger": Mutant(
        [_publish(1, 2, poison="is no message"), _end, _rest()],
        Parts(consumer=_BuriesUncounted),
    ),
    "a repeated burial writes two letters": Mutant(
        [_publish(1, poison="is no message"), _consume("burying", "repeat"), _rest()],
        Parts(pending=_BuriesTwice),
    ),
    "deleted before its letter is written": Mutant(
        [_publish(1, poison="is no message"), _consume("buried", "die")],
        Parts(pending=_DeletesBeforeTheLetter),
    ),
    "each arrival is counted": Mutant(
        [_publish(1, 2), _again, _end, _rest()],
        patched=(embedder_ledger, "count_items", _count_each_arrival),
    ),
    "run_end counted twice": Mutant(
        [_publish(1, 2), _end, _again, _rest()],
        patched=(embedder_ledger, "record_end", _add_up_ends),
    ),
}  # fmt: skip


def _play(arena: Arena, mutant: Mutant) -> None:
    machine = type("Machine", (DeliveryMachine,), {"arena": arena})()
    try:
        for step in mutant.steps:
            step(machine)
            machine.nothing_leaves_before_it_is_committed()
            machine.no_payload_is_gone()
            machine.nothing_is_delivered_for_ever()
    finally:
        machine.close()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_consumer_with_a_rule_left_out_is_found(
    arena: Arena, name: str, counted: Counted
) -> None:
    mutant = MUTANTS[name]
    counted("mutants", 1)
    _play(arena, mutant)  # the real one passes
    changed = Arena(arena.url, arena.folder, mutant.parts)
    with ExitStack() as stack:
        if mutant.patched is not None:
            stack.enter_context(patch.object(*mutant.patched))
        with pytest.raises(AssertionError):
            _play(changed, mutant)
    counted("mutants caught", 1)
