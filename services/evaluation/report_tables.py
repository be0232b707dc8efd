"""The result of an evaluation as tables on a console.

``show`` prints a table with all metrics and intervals for each query set, ``show_summary`` one
table of several evaluations with the main metrics of each set (``measures.main_metrics``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.evaluation.evaluation import Evaluation, Measured, SetResult
from services.evaluation.significance import RESAMPLES, Difference
from shared.evaluation.floors import FloorCheck
from shared.evaluation.measures import SUCCESS, TOTALS, main_metrics

WIDTH = 240  # of the output when it is not a terminal


def show(console: Console, evaluation: Evaluation) -> None:
    """Print a table for each query set, then the floors that were checked."""
    for result in evaluation.sets:
        console.print(_table(result, evaluation.baseline))
    if evaluation.baseline is not None:
        console.print(
            "In brackets is the 95 % confidence interval (bootstrap over queries); below it the "
            f"difference to {evaluation.baseline}, its interval, and p of a paired randomisation "
            "test. Fewer violations, opposites and unjudged movies are better.",
            style="dim",
        )
    for line in _floors(evaluation.verdicts):
        console.print(line)


def show_summary(console: Console, evaluations: Sequence[Evaluation]) -> None:
    """Print one table with the main metrics of all query sets, then the floors."""
    results = [(evaluation, result) for evaluation in evaluations for result in evaluation.sets]
    modes = list(dict.fromkeys(mode for _, result in results for mode in result.modes))
    baseline = next((evaluation.baseline for evaluation in evaluations), None)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("set", no_wrap=True)
    table.add_column("queries", justify="right")
    table.add_column("metric", no_wrap=True)
    for mode in modes:
        table.add_column(mode, justify="right", no_wrap=True)
    if baseline is not None:
        table.add_column(f"{modes[0]} - {baseline}", no_wrap=True)
    table.add_column("ms", justify="right")
    for _, result in results:
        count = str(len(result.query_set.queries))
        took = " / ".join(f"{result.took_ms[mode]:.0f}" for mode in modes if mode in result.took_ms)
        for metric in main_metrics(result.query_set):
            figures = {mode: of[metric] for mode, of in result.modes.items() if metric in of}
            row = _summary_row(metric, figures, modes, baseline)
            table.add_row(result.query_set.name, count, metric, *row, took)
            took = ""
        for kind, by_mode in result.kinds.items():
            row = _summary_row(SUCCESS, by_mode, modes, baseline)
            table.add_row(f"  {kind}", str(len(by_mode[modes[0]].values)), SUCCESS, *row, "")
    console.print(table)
    for evaluation in evaluations:
        for line in _floors(evaluation.verdicts):
            console.print(line)


def _summary_row(
    metric: str, figures: Mapping[str, Measured], modes: Sequence[str], baseline: str | None
) -> list[str]:
    """The cells of the modes, and of the difference of the first one to the baseline."""
    row = [
        _figure(metric, figures[mode].estimate.mean) if mode in figures else "" for mode in modes
    ]
    if baseline is not None:
        row.append(_difference(metric, figures[modes[0]]))
    return row


def _difference(metric: str, measured: Measured) -> str:
    if measured.gain is None:
        return ""
    gain = measured.gain.estimate
    shown = [_figure(metric, value, sign="+") for value in (gain.mean, gain.low, gain.high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]}), {_p_value(measured.gain)}"


def _figure(metric: str, value: float, sign: str = "") -> str:
    return f"{value:{sign}.{0 if metric in TOTALS else 3}f}"


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
        cells = [
            _cell(metric, measured[metric]) if metric in measured else "" for metric in metrics
        ]
        table.add_row(name, *cells, f"{result.took_ms[mode]:.1f}")
    remarks = [Text(f"{remark}.", style="dim") for remark in result.query_set.remarks]
    return Group(table, *remarks)


def _cell(metric: str, measured: Measured) -> str:
    value = measured.estimate
    shown = [_figure(metric, number) for number in (value.mean, value.low, value.high)]
    text = f"{shown[0]} ({shown[1]} to {shown[2]})"
    if measured.gain is None:
        return text
    difference, _, p_value = _difference(metric, measured).partition(", ")
    return f"{text}\n{difference}\n{p_value}"


def _p_value(gain: Difference) -> str:
    least = 1 / RESAMPLES
    return f"p < {least:.4f}" if gain.p_value < least else f"p = {gain.p_value:.4f}"


def _floors(verdicts: Iterable[FloorCheck]) -> Iterable[Text]:
    for verdict in verdicts:
        mark, style = ("ok    ", "green") if verdict.met else ("MISSED", "bold red")
        yield Text.assemble((mark, style), f" {verdict}")
