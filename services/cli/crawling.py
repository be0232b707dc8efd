"""``ingest``, ``cancel``, ``runs`` and ``unread``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.cli.api import (
    POLL_S,
    SERVED_WITHIN_S,
    JsonOption,
    UrlOption,
    ask,
    connect_as_admin,
    fail,
    plain,
    say,
    segment,
    settings_with,
)
from services.cli.tables import print_json, print_table, short_duration, short_time
from shared.runs.registry import TERMINAL

_EXAMPLES_SHOWN = 3
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]


def ingest(
    source: Annotated[str, typer.Argument(help="Name of a configured source.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is searchable.")] = False,
    allow_removals: Annotated[
        bool,
        typer.Option(
            "--allow-removals", help="Remove reviews that are gone, even if they are over half."
        ),
    ] = False,
    url: UrlOption = None,
) -> None:
    """Crawl a source."""
    body = {"source": source, "allow_removals": allow_removals}
    with connect_as_admin(settings_with(), url) as client:
        run = ask(client, "POST", "/admin/ingest", json=body)
        say(f"run {run['run_id']} of {source}: {run['state']}")
        if not wait:
            return
        run = _follow(client, run["run_id"])
        if run["state"] != "searchable":
            print_unread(run, ask(client, "GET", f"/admin/ingest/{run['run_id']}/unread")["unread"])
            reason = plain(run.get("error") or "no reason given")
            fail(f"run {run['run_id']} {run['state']}: {reason}")
        _wait_until_served(client, run["snapshot_id"])
        unread = ask(client, "GET", f"/admin/ingest/{run['run_id']}/unread")["unread"]
    removed = f", {run['removed']} removed" if run["removed"] else ""
    say(
        f"searchable in snapshot {run['snapshot_id']}: {run['crawled'] + run['kept']} reviews, "
        f"{run['stored']} new or changed, {run['duplicate'] + run['kept']} unchanged{removed}"
    )
    print_unread(run, unread)


def cancel(run_id: RunArgument, url: UrlOption = None) -> None:
    """Cancel a run; the reviews that it has stored are kept."""
    with connect_as_admin(settings_with(), url) as client:
        run = ask(client, "DELETE", f"/admin/ingest/{segment(run_id)}")
    say(f"run {run['run_id']} of {run['source']}: {run['state']}")


def runs(
    source: Annotated[str | None, typer.Option(help="Only runs of this source.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number to list.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the runs, newest first."""
    parameters = {"limit": limit, **({"source": source} if source is not None else {})}
    with connect_as_admin(settings_with(), url) as client:
        page = ask(client, "GET", "/admin/ingest", params=parameters)
    if as_json:
        print_json(page)
    else:
        print_runs(page["runs"])


def print_runs(records: Sequence[dict[str, Any]]) -> None:
    """Print runs as a table, then the errors of those that did not succeed."""
    if not records:
        say("no runs")
        return
    print_table(
        (
            "run", "source", "state", "requested", "pages", "reviews", "new", "unchanged", "kept",
            "removed", "unread", "dead", "fresh in",
        ),
        (
            (
                run["run_id"], run["source"], run["state"], short_time(run["requested_at"]),
                run["pages"], run["crawled"], run["stored"], run["duplicate"], run["kept"],
                run["removed"], _unread_in_short(run), run["dead_lettered"],
                short_duration(run["freshness_median_s"]),
            )
            for run in records
        ),
    )  # fmt: skip
    for run in records:
        if run["error"]:
            say(f"{run['run_id']}: {plain(run['error'])}")
        if run["kept_page"]:
            say(f"{run['run_id']}: page saved to {plain(run['kept_page'])}")


def unread(
    run_id: RunArgument,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a run could not read: the first values, rows and pages, and why."""
    with connect_as_admin(settings_with(), url) as client:
        run = ask(client, "GET", f"/admin/ingest/{segment(run_id)}")
        page = ask(client, "GET", f"/admin/ingest/{segment(run_id)}/unread")
    if as_json:
        print_json(page)
    elif not page["unread"]:
        say(f"run {run['run_id']} has read everything")
    else:
        say(f"not read: {_unread_in_words(run)}")
        print_table(
            ("what", "where", "why", "there is"),
            (
                (one["kind"], plain(one["where"]), plain(one["why"]), plain(one["excerpt"]))
                for one in page["unread"]
            ),
        )


def print_unread(run: dict[str, Any], examples: Sequence[dict[str, Any]]) -> None:
    """Say how much a run could not read, with the first examples; nothing if it read all."""
    words = _unread_in_words(run)
    if not words:
        return
    kept = "" if not (run["unread_rows"] or run["unread_pages"]) else "; so nothing was removed"
    say(f"not read: {words}{kept}", err=True)
    for one in examples[:_EXAMPLES_SHOWN]:
        excerpt = f": {plain(one['excerpt'])}" if one["excerpt"] else ""
        say(f"  {plain(one['where'])}: {plain(one['why'])}{excerpt}", err=True)
    if len(examples) > _EXAMPLES_SHOWN:
        say(f"  more: movie-search unread {run['run_id']}", err=True)


def _unread_in_words(run: dict[str, Any]) -> str:
    counts = [
        f"{run[f'unread_{kind}s']} {kind}{'' if run[f'unread_{kind}s'] == 1 else 's'}"
        for kind in ("value", "row", "page")
        if run[f"unread_{kind}s"]
    ]
    return ", ".join(counts)


def _unread_in_short(run: dict[str, Any]) -> int:
    return int(run["unread_values"] + run["unread_rows"] + run["unread_pages"])


def progress_of(run: dict[str, Any]) -> str:
    """The progress of a run in one line."""
    removed = f", {run['removed']} removed" if run["removed"] else ""
    return (
        f"{run['state']}: {run['pages']} pages, {run['movies']} movies, "
        f"{run['crawled']} reviews crawled, {run['kept']} kept, {run['stored']} stored, "
        f"{run['embedded']} encoded{removed}"
    )


def _follow(client: httpx.Client, run_id: str) -> dict[str, Any]:
    """Show the progress of a run until it ends; returns the run."""
    console = Console(stderr=True)
    shown = ""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("queued", total=None)
        while True:
            run = ask(client, "GET", f"/admin/ingest/{run_id}")
            text = progress_of(run)
            progress.update(task, description=text)
            if text != shown and not console.is_terminal:
                say(text, err=True)
            shown = text
            if run["state"] in TERMINAL:
                return run
            time.sleep(POLL_S)


def _wait_until_served(client: httpx.Client, snapshot_id: str) -> None:
    """Wait until a snapshot or a newer one is served; ids sort by age."""
    current = ask(client, "GET", "/admin/snapshots")["current"]
    if current is not None and current < snapshot_id:
        fail(
            f"snapshot {snapshot_id} is published, but the system is rolled back to {current}: "
            f"`movie-search snapshots activate {snapshot_id}` serves it"
        )
    deadline = time.monotonic() + SERVED_WITHIN_S
    while (_served_snapshot(client) or "") < snapshot_id:
        if time.monotonic() > deadline:
            fail(f"snapshot {snapshot_id} is published, but not served yet: see `status`")
        time.sleep(POLL_S)


def _served_snapshot(client: httpx.Client) -> str | None:
    """The id of the snapshot that is served; None before the first one has been loaded."""
    current = ask(client, "GET", "/snapshot", unavailable={})
    return current.get("snapshot_id")
