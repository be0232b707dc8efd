"""What came out, for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.evaluation.evaluation import Evaluation, Measured, SetResult
from services.evaluation.significance import RESAMPLES
from shared.evaluation.floors import FloorCheck

WIDTH = 180  # where the output is no terminal


def show(console: Console, evaluation: Evaluation) -> None:
    """Print a table for each query set, then the floors."""
    for result in evaluation.sets:
        console.print(_table(result, evaluation.baseline))
    if evaluation.baseline is not None:
        console.print(
            "In brackets the 95 % interval (bootstrap over queries); below it the difference to "
            f"{evaluation.baseline}, its interval, and p of a paired randomisation test; of "
            "violations less is better.",
            style="dim",
        )
    for line in _floors(evaluation.verdicts):
        console.print(line)


def _table(result: SetResult, baseline: str | None) -> RenderableType:
    count = len(result.query_set.queries)
    title = f"{result.query_set.name}: {count} {'query' if count == 1 else 'queries'}"
    metrics = list(next(iter(result.modes.values())))
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("mode", no_wrap=True)
    for metric in metrics:
        table.add_column(metric, no_wrap=True)
    table.add_column("ms", justify="right")
    for mode, found in result.modes.items():
        name = f"{mode} (baseline)" if mode == baseline else mode
        cells = [_cell(found[metric]) for metric in metrics]
        table.add_row(name, *cells, f"{result.took_ms[mode]:.1f}")
    remarks = [Text(f"{remark}.", style="dim") for remark in result.query_set.remarks]
    return Group(table, *remarks)


def _cell(found: Measured) -> str:
    own = found.estimate
    text = f"{own.mean:.3f} ({own.low:.3f} to {own.high:.3f})"
    if found.gain is None:
        return text
    gain = found.gain.estimate
    p_value = found.gain.p_value
    least = 1 / RESAMPLES
    shown = f"p < {least:.4f}" if p_value < least else f"p = {p_value:.4f}"
    return f"{text}\n{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})\n{shown}"


def _floors(verdicts: Iterable[FloorCheck]) -> Iterable[Text]:
    for verdict in verdicts:
        mark, style = ("ok    ", "green") if verdict.met else ("MISSED", "bold red")
        yield Text.assemble((mark, style), f" {verdict}")
