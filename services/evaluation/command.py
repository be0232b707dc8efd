"""The command ``movie-search evaluate``: reads query sets, ranks, prints and writes figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from rich.console import Console

from services.evaluation.earlier import EARLIER, EarlierInvalid, read_earlier
from services.evaluation.evaluation import Evaluation, evaluate
from services.evaluation.progress import ConsoleProgress
from services.evaluation.report_tables import WIDTH, show
from services.evaluation.systems import (
    HTTP_MODES,
    ORIGINAL,
    SNAPSHOT_MODES,
    HttpSystem,
    SnapshotSystem,
    System,
    SystemUnusable,
)
from shared.encoder import EncoderInvalid
from shared.evaluation.floors import FloorInvalid, check_floors, parse_floor, verdicts
from shared.evaluation.query_sets import QuerySet, QuerySetInvalid, read_query_sets
from shared.settings import Precision
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt

DONE, FAILED, USAGE = 0, 1, 2


class WrongUsage(ValueError):
    """The options contradict each other or name something unknown; the message is one line."""


@dataclass(frozen=True)
class Options:
    """The options of an evaluation.

    Attributes:
        queries: Folders, each with one query set or with a subfolder for each of several.
        store: The folder of the snapshot store; not used when ``url`` is given.
        snapshot_id: The snapshot to evaluate; the current one when None.
        url: Address of a running system to evaluate instead of a snapshot.
        modes: The modes to compare; floors apply to the first. All modes when empty.
        baseline: The mode that the others are compared with; when None, ``original`` if it is
            among the modes.
        earlier: The figures of an earlier evaluation, which are then the baseline.
        floors: Minimum values in the form that ``shared.evaluation.floors`` parses.
        json_file: The file for all figures; None writes none.
        precision: The precision of the encoder.
    """

    queries: Sequence[Path]
    store: Path
    snapshot_id: str | None = None
    url: str | None = None
    modes: Sequence[str] = ()
    baseline: str | None = None
    earlier: Path | None = None
    floors: Sequence[str] = ()
    json_file: Path | None = None
    precision: Precision = field(default="auto")


def run(options: Options) -> int:
    """Evaluate and report; returns the exit code: 1 when a floor is missed, 2 on wrong usage."""
    console = Console(stderr=True)
    try:
        evaluation = run_evaluation(options)
    except (
        WrongUsage, QuerySetInvalid, FloorInvalid, EarlierInvalid, httpx.InvalidURL,
    ) as error:  # fmt: skip
        return _refuse(console, error, USAGE)
    except (SystemUnusable, NoSnapshot, SnapshotCorrupt, EncoderInvalid) as error:
        return _refuse(console, error, FAILED)
    output = Console(markup=False)  # names of query sets are shown as they are
    output = output if output.is_terminal else Console(width=WIDTH, markup=False)
    show(output, evaluation)
    if options.json_file is not None:
        try:
            write_json(options.json_file, [evaluation])
        except OSError as error:
            return _refuse(console, f"cannot write {options.json_file}: {error.strerror}", FAILED)
    return report_missed_floors(console, [evaluation])


def run_evaluation(options: Options) -> Evaluation:
    """Evaluate a snapshot or a running system.

    Raises:
        WrongUsage, QuerySetInvalid, FloorInvalid, EarlierInvalid, httpx.InvalidURL: the options
            are wrong.
        SystemUnusable, NoSnapshot, SnapshotCorrupt, EncoderInvalid: the system or the snapshot
            cannot be used.
    """
    query_sets = _query_sets(options.queries)
    floors = [parse_floor(text) for text in options.floors]
    check_floors(floors, query_sets)
    modes, baseline = _modes(options)
    earlier = None if options.earlier is None else read_earlier(options.earlier)
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
            system, query_sets, modes=modes, baseline=baseline, track=progress, say=progress.say,
            earlier=earlier,
        )  # fmt: skip
    figures: dict[str, dict[str, float]] = {}
    for result in results:
        figures |= result.figures(modes[0])
    checks = verdicts(floors, figures)
    for floor in floors:  # a floor that was not checked must not count as reached
        if all(check.floor != floor for check in checks):
            raise SystemUnusable(f"floor {floor}: no query of this set could be measured")
    return Evaluation(system.described, baseline, results, checks)


def write_json(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write all figures to a file.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = [evaluation.to_json() for evaluation in evaluations]
    body = documents[0] if len(documents) == 1 else {"format_version": 1, "evaluations": documents}
    path.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")


def report_missed_floors(console: Console, evaluations: Sequence[Evaluation]) -> int:
    """Print a line for each floor that was missed; returns the exit code."""
    missed = [check for evaluation in evaluations for check in evaluation.verdicts if not check.met]
    for check in missed:
        _refuse(console, f"floor missed: {check}", FAILED)
    return FAILED if missed else DONE


def _refuse(console: Console, reason: object, code: int) -> int:
    console.print(f"movie-search: {reason}", highlight=False, markup=False, soft_wrap=True)
    return code


def _query_sets(folders: Sequence[Path]) -> list[QuerySet]:
    query_sets = [query_set for folder in folders for query_set in read_query_sets(folder)]
    if not query_sets:
        raise WrongUsage("no query sets found: name a folder with --queries")
    names = [query_set.name for query_set in query_sets]
    for name in names:
        if names.count(name) > 1:
            raise WrongUsage(f"two query sets are named {name}")
    return query_sets


def _modes(options: Options) -> tuple[list[str], str | None]:
    """The modes to run, and the one among them that is the baseline."""
    known: Sequence[str] = HTTP_MODES if options.url is not None else SNAPSHOT_MODES
    modes = list(dict.fromkeys(options.modes or known))
    if options.earlier is not None and options.baseline is not None:
        raise WrongUsage("name a baseline or the figures of an earlier evaluation, not both")
    baseline = options.baseline
    if options.earlier is None and baseline is None and ORIGINAL in modes:
        baseline = ORIGINAL
    if baseline is not None and baseline not in modes:
        modes.append(baseline)
    for mode in modes:
        if mode not in known:
            where = "a running system" if options.url is not None else "a snapshot"
            raise WrongUsage(f"{where} has no mode {mode!r}; its modes are {', '.join(known)}")
    if options.url is not None and options.snapshot_id is not None:
        raise WrongUsage("name a snapshot or a URL, not both")
    return modes, baseline if options.earlier is None else EARLIER
