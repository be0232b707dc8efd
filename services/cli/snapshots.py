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
    say,
    segment,
    settings_with,
)
from services.cli.tables import print_json, print_table, short_size, short_time
from shared.snapshot.storage.audit import Checked, audit, audit_current
from shared.snapshot.storage.store import SnapshotStore

app = typer.Typer(no_args_is_help=True, help="Published snapshots: list, verify, activate.")


@app.command("list")
def list_snapshots(as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List the snapshots of the store, newest first."""
    with connect_as_admin(settings_with(), url) as client:
        answer = ask(client, "GET", "/admin/snapshots")
    if as_json:
        print_json(answer)
        return
    if not answer["snapshots"]:
        say("no snapshots")
        return
    print_table(
        ("snapshot", "created", "movies", "reviews", "passages", "model", "size", ""),
        (
            (
                one["snapshot_id"], short_time(one["created_at"]), one["movies"], one["reviews"],
                one["passages"], one["model"], short_size(one["size_bytes"]), _marks(one),
            )
            for one in answer["snapshots"]
        ),
    )  # fmt: skip


@app.command()
def verify(
    snapshot_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of a snapshot; default: all.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Compare every file of the store with its checksum. Needs no running system."""
    store = SnapshotStore(settings_with(data_dir=absolute(data_dir)).snapshot_dir)
    known = store.snapshot_ids()
    if not known:
        fail(f"no snapshot in {store.root}")
    if snapshot_id is not None and snapshot_id not in known:
        fail(f"no snapshot {plain(snapshot_id)} in {store.root}")
    faults: list[Checked] = []
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for one in progress.track([snapshot_id] if snapshot_id else known):
            checked = list(audit(store, one))
            damaged = [file for file in checked if file.fault is not None]
            if damaged and one not in store.snapshot_ids():
                continue  # deleted meanwhile, as old snapshots are
            faults += damaged
            if not damaged:
                size = short_size(sum(file.size_bytes for file in checked))
                say(f"{one}: {len(checked)} files, {size}, intact")
    if snapshot_id is None:
        current = audit_current(store)
        if current is None:
            say("CURRENT: missing: no snapshot is served")
        elif current.fault is not None:
            faults.append(current)
    if faults:
        details = "; ".join(f"{file.name}: {plain(file.fault)}" for file in faults)
        fail(f"{len(faults)} damaged: {details}")


@app.command()
def activate(
    snapshot_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the snapshot.")],
    url: UrlOption = None,
) -> None:
    """Serve another snapshot: roll back or forward, until a new one is published."""
    with connect_as_admin(settings_with(), url) as client:
        path = f"/admin/snapshots/{segment(snapshot_id)}/activate"
        requested = ask(client, "POST", path)
        deadline = time.monotonic() + SERVED_WITHIN_S
        activation = _wait_for_activation(client, requested["activation_id"], deadline)
        if activation["state"] == "refused":
            fail(f"snapshot {snapshot_id} not activated: {plain(activation['reason'])}")
        _wait_until_served(client, snapshot_id, deadline)
    before = f"; before: {activation['replaced']}" if activation["replaced"] else ""
    say(f"snapshot {snapshot_id} is served{before}")


def _wait_for_activation(
    client: httpx.Client, activation_id: str, deadline: float
) -> dict[str, Any]:
    while True:
        activation = ask(client, "GET", f"/admin/snapshots/activations/{activation_id}")
        if activation["state"] != "queued":
            return activation
        if time.monotonic() > deadline:
            fail(
                f"activation {activation_id} is still queued: the embedder is publishing or down, "
                "and will activate the snapshot later"
            )
        time.sleep(POLL_S)


def _wait_until_served(client: httpx.Client, snapshot_id: str, deadline: float) -> None:
    while (served := ask(client, "GET", "/snapshot"))["snapshot_id"] != snapshot_id:
        if time.monotonic() > deadline:
            why = plain(served.get("degraded") or "see `status`")
            fail(f"snapshot {snapshot_id} is current, but not served yet: {why}")
        time.sleep(POLL_S)


def _marks(snapshot: dict[str, Any]) -> str:
    marks = [name for name in ("current", "served", "leased") if snapshot[name]]
    if snapshot["problem"]:
        marks.append(snapshot["problem"])
    return ", ".join(marks)
