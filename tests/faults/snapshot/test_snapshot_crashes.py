"""A power cut at any moment of publishing, rolling back or deleting: old or new, and never none.

The real code runs once over real files while every file operation is written down. Then, for every
moment and for whatever may be lost then (``tests.support.disk.states``), the disk is built anew and
looked at with the real reader. What has been announced must be there; every snapshot that has its
final name must be whole, because people may activate it.

The model itself is held to finding faults: a protocol that leaves out any fsync, or does things in
another order, must be caught.
"""

from __future__ import annotations

import errno
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.snapshot import commit
from shared.snapshot.activation import activate
from shared.snapshot.storage.manifest import CURRENT, SNAPSHOT_ID_PATTERN
from shared.snapshot.storage.store import STAGING, TRASH, SnapshotStore
from shared.system import fsync
from tests.support.counts import Counted
from tests.support.disk.examiner import (
    NOTHING,
    STORE,
    Examiner,
    Expected,
    Scenario,
    answers_of,
    looked_at,
    tried,
)
from tests.support.disk.operations import (
    Counting,
    Named,
    Renamed,
    Said,
    Synced,
    Trace,
    intercepted,
    recorded,
)
from tests.support.disk.states import disks, durable_by, moved, rebuild, trees, without
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import BOXER, COMEDY, MOVIES, SPACE, SnapshotBuilder, write_files
from tests.support.soak import times

STATES_A_MOMENT = times(200, soak=5000)
STATES_OF_A_MUTANT = times(40, soak=200)


def builder_in(data: Path) -> SnapshotBuilder:
    return SnapshotBuilder(SnapshotStore(data / STORE), HashEncoder())


def first_publication(data: Path) -> Scenario:
    builder = builder_in(data)
    with recorded(data) as recorder:
        new = builder.publish(MOVIES).snapshot_id
        recorder.said("announced")
    return Scenario(
        recorder.trace(),
        before=Expected(frozenset({NOTHING, new}), frozenset()),
        after=Expected(frozenset({new}), frozenset({new})),
        answers=answers_of(builder.store),
    )


def publication(data: Path, change: Callable[[], None] = lambda: None) -> Scenario:
    """Over others, with the deletion of the oldest afterwards; by a changed protocol, if asked."""
    builder = builder_in(data)
    olds = [builder.publish([BOXER, SPACE, *MOVIES[3:]][:n]).snapshot_id for n in (1, 2, 3, 2)]
    answers = answers_of(builder.store)
    change()
    with recorded(data) as recorder:
        new = builder.publish([COMEDY, BOXER]).snapshot_id
        recorder.said("announced")
        deleted = commit.retain(builder.store, keep=3, lease_folder=data / "leases")
    assert deleted == [olds[1], olds[0]]
    return Scenario(
        recorder.trace(),
        before=Expected(frozenset({olds[-1], new}), frozenset(olds)),
        after=Expected(frozenset({new}), frozenset({new, *olds[2:]})),
        answers={**answers, **answers_of(builder.store)},
    )


def roll_back(data: Path) -> Scenario:
    builder = builder_in(data)
    old, new = (builder.publish(movies).snapshot_id for movies in ([BOXER], MOVIES))
    with recorded(data) as recorder:
        activate(builder.store, old, encoder_id=builder.encoder.spec.encoder_id)
        recorder.said("announced")
    both = frozenset({old, new})
    return Scenario(
        recorder.trace(),
        before=Expected(both, both),
        after=Expected(frozenset({old}), both),
        answers=answers_of(builder.store),
    )


def refusal(data: Path) -> Scenario:
    """Published and not promoted: people may look at it, and readers go on."""
    builder = builder_in(data)
    old = builder.publish([BOXER]).snapshot_id
    with recorded(data) as recorder:
        with pytest.raises(commit.PromotionRefused) as caught:
            commit.publish(
                builder.store,
                sequence=2,
                write=lambda folder: write_files(folder, MOVIES, builder.encoder),
                promote=lambda _: "a canary is dead",
            )
        recorder.said("refused")
    new = caught.value.manifest.snapshot_id
    return Scenario(
        recorder.trace(),
        before=Expected(frozenset({old}), frozenset({old})),
        after=Expected(frozenset({old}), frozenset({old, new})),
        answers=answers_of(builder.store),
    )


SCENARIOS: list[Callable[[Path], Scenario]] = [first_publication, publication, roll_back, refusal]


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scenario]:
    return {play.__name__: play(tmp_path_factory.mktemp(play.__name__)) for play in SCENARIOS}


@pytest.fixture(scope="module")
def examiner(tmp_path_factory: pytest.TempPathFactory) -> Examiner:
    return Examiner(tmp_path_factory.mktemp("examiner"))


@pytest.mark.parametrize("name", [play.__name__ for play in SCENARIOS])
def test_a_power_cut_leaves_the_old_or_the_new_snapshot_whole(
    name: str, scenarios: dict[str, Scenario], examiner: Examiner, counted: Counted
) -> None:
    scenario = scenarios[name]
    result = tried(scenario, examiner, most=STATES_A_MOMENT)
    counted("operations", len(scenario.trace.operations))
    counted("disk states", result.states)
    assert result.violations == []
    assert result.states > len(scenario.trace.operations)


def mutants_without_an_fsync(trace: Trace) -> Iterator[tuple[int, Trace]]:
    """Protocols that leave out one fsync; those that force nothing are no loss."""
    for number, (operation, disk) in enumerate(zip(trace.operations, disks(trace), strict=False)):
        if isinstance(operation, Synced) and durable_by(operation, disk):
            yield number, without(trace, number)


def renames_to(trace: Trace, pattern: str) -> list[int]:
    return [
        number
        for number, operation in enumerate(trace.operations)
        if isinstance(operation, Renamed) and re.match(pattern, operation.target)
    ]


def mutants_in_another_order(trace: Trace) -> Iterator[tuple[int, Trace]]:
    """Protocols that do what must come last too early."""
    forcing = [number for number, _ in mutants_without_an_fsync(trace)]
    [said] = [number for number, done in enumerate(trace.operations) if isinstance(done, Said)]
    commits = renames_to(trace, CURRENT)
    for rename in renames_to(trace, SNAPSHOT_ID_PATTERN):
        made = trace.operations[rename]
        assert isinstance(made, Renamed)
        start = next(
            number
            for number, done in enumerate(trace.operations)
            if isinstance(done, Named) and done.node == made.node
        )
        for number in forcing:  # named before one of its parts is durable
            if start < number < rename:
                yield number, moved(trace, [rename], number)
        for commit_point in commits:  # CURRENT names what has no name yet
            begin = next(
                number
                for number, done in enumerate(trace.operations)
                if isinstance(done, Named) and done.name.startswith(CURRENT)
            )
            yield rename, moved(trace, range(begin, commit_point + 2), rename)
            for number in forcing:  # ... or whose name is not durable
                if rename < number < commit_point:
                    yield number, moved(trace, [commit_point], number)
    for early in {*commits, *[number for number in forcing if number < said][-1:]}:
        yield early, moved(trace, [said], early)


@pytest.mark.parametrize("mutants", [mutants_without_an_fsync, mutants_in_another_order])
@pytest.mark.parametrize("name", [play.__name__ for play in SCENARIOS])
def test_the_model_finds_the_fault_of_every_weaker_protocol(
    name: str,
    mutants: Callable[[Trace], Iterator[tuple[int, Trace]]],
    scenarios: dict[str, Scenario],
    examiner: Examiner,
    counted: Counted,
) -> None:
    scenario = scenarios[name]
    missed = []
    made = 0
    for number, trace in mutants(scenario.trace):
        made += 1
        first = min([number, *renames_to(trace, f"{SNAPSHOT_ID_PATTERN}|{CURRENT}")[:1]])
        found = tried(
            replace(scenario, trace=trace),
            examiner,
            most=STATES_OF_A_MUTANT,
            start=max(number, first),
            first_only=True,
        )
        if not found.violations:
            missed.append((number, scenario.trace.operations[number]))
    counted("mutants made", made)
    counted("mutants caught", made - len(missed))
    assert missed == []
    assert made >= 2


def current_in_place(source: Path, target: Path) -> None:
    if target.name != CURRENT:
        return fsync.rename(source, target)
    target.write_bytes(source.read_bytes())
    fsync.fsync_file(target)
    return source.unlink()


def copied_to_its_name(source: Path, target: Path) -> None:
    if not re.match(SNAPSHOT_ID_PATTERN, target.name):
        return fsync.rename(source, target)
    shutil.copytree(source, target)
    for path in [*target.rglob("*"), target]:
        fsync.fsync_file(path)
    return shutil.rmtree(source)


def deleted_under_its_name(source: Path, target: Path) -> None:
    if target.name.startswith(TRASH):
        return shutil.rmtree(source)
    return fsync.rename(source, target)


@pytest.mark.parametrize("rename", [current_in_place, copied_to_its_name, deleted_under_its_name])
def test_the_model_finds_what_is_not_done_by_a_rename(
    rename: Callable[[Path, Path], None],
    tmp_path: Path,
    examiner: Examiner,
    monkeypatch: pytest.MonkeyPatch,
    counted: Counted,
) -> None:
    scenario = publication(tmp_path, lambda: monkeypatch.setattr(commit, "rename", rename))
    found = tried(scenario, examiner, most=STATES_OF_A_MUTANT, first_only=True)
    counted("mutants made", 1)
    assert found.violations
    counted("mutants caught", 1)


def test_the_next_publisher_goes_on_from_whatever_is_left(
    scenarios: dict[str, Scenario], tmp_path: Path, counted: Counted
) -> None:
    chance = random.Random(2)
    trace = scenarios["publication"].trace
    moments = list(range(len(trace.operations) + 1))
    left = 0
    for moment in sorted(chance.sample(moments, min(len(moments), times(15, soak=len(moments))))):
        disk = next(disk for number, disk in enumerate(disks(trace)) if number == moment)
        some = trees(disk, trace.folders, most=20, chance=chance)
        for number, tree in enumerate(chance.sample(some, min(len(some), times(1, soak=5)))):
            data = tmp_path / f"{moment}-{number}"
            data.mkdir()
            rebuild(tree, data)
            left += any(name.startswith(f"{STORE}/{STAGING}") for name in tree)
            builder = builder_in(data)
            builder.sequence = 90
            new = builder.publish(MOVIES, mapped=False).snapshot_id
            assert_tidy(builder.store, new)
            counted("disk states", 1)
    assert left


def assert_tidy(store: SnapshotStore, current: str) -> None:
    """What is current can be opened, and nothing lies about that somebody has left."""
    named = store.current()
    assert named.snapshot_id == current
    looked_at(store, current, named.manifest_sha256)
    names = {path.name for path in store.root.iterdir()}
    assert names <= {*store.snapshot_ids(), CURRENT, ".lock"}


def test_a_failing_disk_changes_nothing_and_the_next_attempt_succeeds(
    tmp_path: Path, counted: Counted
) -> None:
    """Every call that makes something or makes it durable fails once; none is passed over."""

    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error")

    builder = builder_in(tmp_path)
    old = builder.publish([BOXER]).snapshot_id
    counting = Counting()
    with intercepted(tmp_path, counting):
        old = builder.publish([BOXER]).snapshot_id
    calls = counting.calls
    commit_point = calls.index(f"rename {CURRENT}")
    for number, call in enumerate(calls):
        if call.startswith("unlink") or call == f"mkdir {STORE}":  # these may fail: it is there
            continue
        counting = Counting(number, fail)
        with intercepted(tmp_path, counting), pytest.raises(OSError, match="Input/output error"):
            builder.publish(MOVIES)
        assert counting.calls[number].split()[0] == call.split()[0]
        current = builder.store.current().snapshot_id
        looked_at(builder.store, current)
        assert (current == old) == (number <= commit_point), call
        counted("failed calls", 1)
        if number % times(6, soak=1) == 0 or number >= commit_point:
            old = builder.publish([BOXER]).snapshot_id
            assert_tidy(builder.store, old)
