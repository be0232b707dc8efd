"""``remove`` and ``allow``: take something out for good, or let crawls bring it back."""

from __future__ import annotations

import time
from typing import Annotated, Any

import httpx
import typer

from services.cli.api import (
    POLL_S,
    JsonOption,
    UrlOption,
    ask,
    connect_as_admin,
    fail,
    plain,
    settings_with,
)
from services.cli.tables import print_json
from shared.runs.removal_requests import Kind

WAIT_S = 60.0
KindArgument = Annotated[Kind, typer.Argument(help="What it is.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Name of the source, or id of the movie or review.")
]


def remove(
    kind: KindArgument,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Remove a source, a movie with its reviews, or a review; no crawl brings it back."""
    if not yes:
        typer.confirm(f"Remove {kind} {plain(name)} from the database for good?", abort=True)
    with connect_as_admin(settings_with(), url) as client:
        removal = _carried_out(client, {"kind": kind, "id": name})
    if as_json:
        print_json(removal)
        return
    typer.echo(
        f"removed: {removal['reviews']} reviews, {removal['movies']} movies; "
        "the next snapshot does not have them"
    )


def allow(
    kind: KindArgument, name: NameArgument, as_json: JsonOption = False, url: UrlOption = None
) -> None:
    """Let crawls bring back what was removed."""
    with connect_as_admin(settings_with(), url) as client:
        removal = _carried_out(client, {"kind": kind, "id": name, "allow": True})
    if as_json:
        print_json(removal)
        return
    typer.echo(f"allowed: the next crawl may bring back {kind} {plain(name)}")


def _carried_out(client: httpx.Client, request: dict[str, Any]) -> dict[str, Any]:
    """Ask for a removal and wait until the embedder has carried it out."""
    removal: dict[str, Any] = ask(client, "POST", "/admin/removals", json=request)
    deadline = time.monotonic() + WAIT_S
    while removal["state"] == "queued":
        if time.monotonic() > deadline:
            fail("the embedder has not carried it out yet; it will when it runs")
        time.sleep(POLL_S)
        removal = ask(client, "GET", f"/admin/removals/{removal['removal_id']}")
    if removal["state"] == "refused":
        fail(str(removal["reason"]))
    return removal
