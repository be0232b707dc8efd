"""``snapshots list``, ``verify`` and ``activate``."""

from __future__ import annotations

import time
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress

from services.cli.api import (
    POLL_S,
    SERVED_WITHIN_S,
    DataDirOption,
    JsonOption,
    UrlOption,
    absolute,
    ask,
    connect_as_admin,
    fail,
    plain,
    segment,
    settings_with,
)
from services.cli.tables import print_json, print_table, short_size, short_time
from shared.snapshot.storage.audit import Checked, audit, audit_current
from shared.snapshot.storage.store import SnapshotStore

app = typer.Typer(no_args_is_help=True, help="What has been published: list, verify, roll back.")


@app.command("list")
def list_snapshots(as_json: JsonOption = False, url: UrlOption = None) -> None:
    """The snapshots of the store, newest first."""
    with connect_as_admin(settings_with(), url) as client:
        found = ask(client, "GET", "/admin/snapshots")
    if as_json:
        print_json(found)
        return
    if not found["snapshots"]:
        typer.echo("no snapshots yet")
        return
    print_table(
        ("snapshot", "created", "movies", "reviews", "passages", "model", "size", ""),
        (
            (
                one["snapshot_id"], short_time(one["created_at"]), one["movies"], one["reviews"],
                one["passages"], one["model"], short_size(one["size_bytes"]), _marks(one),
            )
            for one in found["snapshots"]
        ),
    )  # fmt: skip


@app.command()
def verify(
    snapshot_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Which; all when absent.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Read every file of the store and compare it with its checksum. Needs no running system."""
    store = SnapshotStore(settings_with(data_dir=absolute(data_dir)).snapshot_dir)
    known = store.snapshot_ids()
    if not known:
        fail(f"no snapshot in {store.root} yet")
    if snapshot_id is not None and snapshot_id not in known:
        fail(f"there is no snapshot {plain(snapshot_id)} in {store.root}")
    faults: list[Checked] = []
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for one in progress.track([snapshot_id] if snapshot_id else known):
            checked = list(audit(store, one))
            found = [file for file in checked if file.fault is not None]
            if found and one not in store.snapshot_ids():
                continue  # deleted meanwhile, as old snapshots are
            faults += found
            if not found:
                size = short_size(sum(file.size_bytes for file in checked))
                typer.echo(f"{one}: {len(checked)} files, {size}, as they were written")
    if snapshot_id is None:
        current = audit_current(store)
        if current is None:
            typer.echo("CURRENT: not there: nothing is served yet")
        elif current.fault is not None:
            faults.append(current)
    if faults:
        told = "; ".join(f"{file.name}: {plain(file.fault)}" for file in faults)
        fail(f"{len(faults)} damaged: {told}")


@app.command()
def activate(
    snapshot_id: Annotated[str, typer.Argument(metavar="ID")], url: UrlOption = None
) -> None:
    """Serve another snapshot: roll back, or forward. It lasts until something new is published."""
    with connect_as_admin(settings_with(), url) as client:
        path = f"/admin/snapshots/{segment(snapshot_id)}/activate"
        wanted = ask(client, "POST", path)
        deadline = time.monotonic() + SERVED_WITHIN_S
        done = _concluded(client, wanted["activation_id"], deadline)
        if done["state"] == "refused":
            fail(f"{snapshot_id} is not activated: {plain(done['reason'])}")
        _wait_until_served(client, snapshot_id, deadline)
    undo = f"; before: {done['replaced']}" if done["replaced"] else ""
    typer.echo(f"snapshot {snapshot_id} is served{undo}")


def _concluded(client: httpx.Client, activation_id: str, deadline: float) -> dict[str, Any]:
    while True:
        found = ask(client, "GET", f"/admin/snapshots/activations/{activation_id}")
        if found["state"] != "queued":
            return found
        if time.monotonic() > deadline:
            fail(
                f"activation {activation_id} still waits: the embedder is publishing, or is down; "
                "it will be carried out when it can"
            )
        time.sleep(POLL_S)


def _wait_until_served(client: httpx.Client, snapshot_id: str, deadline: float) -> None:
    while (served := ask(client, "GET", "/snapshot"))["snapshot_id"] != snapshot_id:
        if time.monotonic() > deadline:
            why = plain(served.get("degraded") or "see `status`")
            fail(f"snapshot {snapshot_id} is current but not served yet: {why}")
        time.sleep(POLL_S)


def _marks(snapshot: dict[str, Any]) -> str:
    marks = [name for name in ("current", "served", "leased") if snapshot[name]]
    if snapshot["problem"]:
        marks.append(snapshot["problem"])
    return ", ".join(marks)
