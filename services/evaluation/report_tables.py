"""The result of an evaluation as tables on a console."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.evaluation.evaluation import Evaluation, Measured, SetResult
from services.evaluation.significance import RESAMPLES
from shared.evaluation.floors import FloorCheck

WIDTH = 180  # of the output when it is not a terminal


def show(console: Console, evaluation: Evaluation) -> None:
    """Print a table for each query set, then the floors that were checked."""
    for result in evaluation.sets:
        console.print(_table(result, evaluation.baseline))
    if evaluation.baseline is not None:
        console.print(
            "In brackets is the 95 % confidence interval (bootstrap over queries); below it the "
            f"difference to {evaluation.baseline}, its interval, and p of a paired randomisation "
            "test. Fewer violations are better.",
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
    for mode, measured in result.modes.items():
        name = f"{mode} (baseline)" if mode == baseline else mode
        cells = [_cell(measured[metric]) for metric in metrics]
        table.add_row(name, *cells, f"{result.took_ms[mode]:.1f}")
    remarks = [Text(f"{remark}.", style="dim") for remark in result.query_set.remarks]
    return Group(table, *remarks)


def _cell(metric: Measured) -> str:
    value = metric.estimate
    text = f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"
    if metric.gain is None:
        return text
    gain = metric.gain.estimate
    p_value = metric.gain.p_value
    least = 1 / RESAMPLES
    shown = f"p < {least:.4f}" if p_value < least else f"p = {p_value:.4f}"
    return f"{text}\n{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})\n{shown}"


def _floors(verdicts: Iterable[FloorCheck]) -> Iterable[Text]:
    for verdict in verdicts:
        mark, style = ("ok    ", "green") if verdict.met else ("MISSED", "bold red")
        yield Text.assemble((mark, style), f" {verdict}")
