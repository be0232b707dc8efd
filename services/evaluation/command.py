"""The command ``movie-search evaluate``: what it reads, runs, prints, writes and returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from rich.console import Console

from services.evaluation.evaluation import Evaluation, evaluate
from services.evaluation.progress import ConsoleProgress
from services.evaluation.systems import (
    API_MODES,
    ORIGINAL,
    SNAPSHOT_MODES,
    HttpSystem,
    SnapshotSystem,
    System,
    SystemUnusable,
)
from services.evaluation.tables import WIDTH, show
from shared.encoder import EncoderInvalid
from shared.evaluation.floors import FloorInvalid, check_floors, parse_floor, verdicts
from shared.evaluation.query_sets import QuerySet, QuerySetInvalid, read_query_sets
from shared.settings import Precision
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt

DONE, FAILED, USAGE = 0, 1, 2


class WrongUsage(ValueError):
    """What was asked for makes no sense; the message is one line."""


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        queries: Folders of one query set, or of several.
        store: Of the snapshot; without effect when ``url`` is given.
        snapshot_id: Which snapshot; the current one when absent.
        url: A running system, instead of a snapshot.
        modes: Side by side; the first is the one that the floors are about. All when empty.
        baseline: The mode to compare with; ``original`` when it is among the modes and none
            is named.
        floors: As ``shared.evaluation.floors`` reads them.
        json_file: Where every figure is written.
    """

    queries: Sequence[Path]
    store: Path
    snapshot_id: str | None = None
    url: str | None = None
    modes: Sequence[str] = ()
    baseline: str | None = None
    floors: Sequence[str] = ()
    json_file: Path | None = None
    precision: Precision = field(default="auto")


def run(options: Options) -> int:
    """Evaluate and tell; returns the exit code: 1 when a floor is missed, 2 on wrong usage."""
    console = Console(stderr=True)
    try:
        evaluation = run_evaluation(options)
    except (WrongUsage, QuerySetInvalid, FloorInvalid, httpx.InvalidURL) as error:
        return _refuse(console, error, USAGE)
    except (SystemUnusable, NoSnapshot, SnapshotCorrupt, EncoderInvalid) as error:
        return _refuse(console, error, FAILED)
    output = Console()
    show(output if output.is_terminal else Console(width=WIDTH), evaluation)
    if options.json_file is not None:
        try:
            write_json(options.json_file, [evaluation])
        except OSError as error:
            return _refuse(console, f"cannot write {options.json_file}: {error.strerror}", FAILED)
    return tell_floors(console, [evaluation])


def run_evaluation(options: Options) -> Evaluation:
    """Evaluate as asked for.

    Raises:
        WrongUsage, QuerySetInvalid, FloorInvalid, httpx.InvalidURL: what was asked for.
        SystemUnusable, NoSnapshot, SnapshotCorrupt, EncoderInvalid: what it was asked of.
    """
    query_sets = _query_sets(options.queries)
    floors = [parse_floor(text) for text in options.floors]
    check_floors(floors, {own.name: own.has_unwanted for own in query_sets})
    modes, baseline = _modes(options)
    progress = ConsoleProgress(Console(stderr=True))
    with httpx.Client(base_url=options.url or "", timeout=30, trust_env=False) as client:
        system: System
        if options.url is not None:
            system = HttpSystem(client, say=progress.say)
        else:
            system = SnapshotSystem(
                SnapshotStore(options.store), options.snapshot_id,
                precision=options.precision, track=progress,
            )  # fmt: skip
        progress.say(f"evaluating {system.name}: {', '.join(modes)}")
        results = evaluate(
            system, query_sets, modes=modes, baseline=baseline, track=progress, say=progress.say
        )
    means = {result.query_set.name: result.means(modes[0]) for result in results}
    held = verdicts(floors, means)
    for floor in floors:  # one that was held against nothing must not pass for one reached
        if all(verdict.floor != floor for verdict in held):
            raise SystemUnusable(f"floor {floor}: nothing of that set is there to be measured")
    return Evaluation(system.described, baseline, results, held)


def write_json(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write all figures.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [evaluation.to_json() for evaluation in evaluations]
    body = found[0] if len(found) == 1 else {"format_version": 1, "evaluations": found}
    path.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")


def tell_floors(console: Console, evaluations: Sequence[Evaluation]) -> int:
    """Name the floors that are missed; returns the exit code."""
    missed = [own for evaluation in evaluations for own in evaluation.verdicts if not own.met]
    for verdict in missed:
        _refuse(console, f"floor missed: {verdict}", FAILED)
    return FAILED if missed else DONE


def _refuse(console: Console, reason: object, code: int) -> int:
    console.print(f"movie-search: {reason}", highlight=False, markup=False, soft_wrap=True)
    return code


def _query_sets(folders: Sequence[Path]) -> list[QuerySet]:
    found = [query_set for folder in folders for query_set in read_query_sets(folder)]
    if not found:
        raise WrongUsage("no query sets: name a folder with --queries")
    names = [query_set.name for query_set in found]
    for name in names:
        if names.count(name) > 1:
            raise WrongUsage(f"two query sets are named {name}")
    return found


def _modes(options: Options) -> tuple[list[str], str | None]:
    """The modes to run, and which of them is the baseline."""
    known: Sequence[str] = API_MODES if options.url is not None else SNAPSHOT_MODES
    modes = list(dict.fromkeys(options.modes or known))
    baseline = options.baseline
    if baseline is None and ORIGINAL in modes:
        baseline = ORIGINAL
    if baseline is not None and baseline not in modes:
        modes.append(baseline)
    for mode in modes:
        if mode not in known:
            where = "a running system" if options.url is not None else "a snapshot"
            raise WrongUsage(f"{where} has no mode {mode!r}; there are {', '.join(known)}")
    if options.url is not None and options.snapshot_id is not None:
        raise WrongUsage("name a snapshot or a URL, not both")
    return modes, baseline
