"""``dead-letters list``, ``replay`` and ``discard``."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.api import (
    JsonOption,
    UrlOption,
    ask,
    connect_as_admin,
    fail,
    misused,
    say,
    segment,
    settings_with,
)
from services.cli.tables import print_json, print_table, short_size, short_time

app = typer.Typer(
    no_args_is_help=True, help="Messages that could not be stored: list, replay, discard."
)

IDS_AT_ONCE = 500  # as many as the API takes


@app.command("list")
def list_letters(
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="Maximum number of dead letters.")
    ] = 20,
    cursor: Annotated[
        str | None, typer.Option(metavar="ID", help="Only dead letters older than this one.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the dead letters, newest first."""
    parameters = {"limit": limit, **({"cursor": cursor} if cursor is not None else {})}
    with connect_as_admin(settings_with(), url) as client:
        page = ask(client, "GET", "/admin/dead-letters", params=parameters)
    if as_json:
        print_json(page)
        return
    if not page["dead_letters"]:
        say("no dead letters")
        return
    print_table(
        ("id", "died", "kind", "item", "run", "replays", "size", "whole", "reason"),
        (
            (
                one["id"], short_time(one["died_at"]), one["kind"], one["item_id"], one["run_id"],
                one["replays"], short_size(one["payload_bytes"]),
                "yes" if one["replayable"] else "no", one["reason"],
            )
            for one in page["dead_letters"]
        ),
    )  # fmt: skip
    if page["next_cursor"]:
        say(f"{page['total']} in total; for older ones: --cursor {page['next_cursor']}")


@app.command()
def replay(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ids of dead letters.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay all of them.")] = False,
    url: UrlOption = None,
) -> None:
    """Send dead letters to the stream again, after their cause is fixed."""
    if everything == bool(ids):
        misused("give either ids or --all")
    bodies: list[dict[str, object]] = (
        [{"all": True}]
        if everything
        else [
            {"ids": (ids or [])[start : start + IDS_AT_ONCE]}
            for start in range(0, len(ids or []), IDS_AT_ONCE)
        ]
    )
    sent, refused = 0, []
    with connect_as_admin(settings_with(), url) as client:
        for body in bodies:
            # One request replays up to IDS_AT_ONCE of them, which can take minutes.
            result = ask(client, "POST", "/admin/dead-letters/replay", json=body, timeout=600)
            sent += result["replayed"]
            refused += result["refused"]
    say(f"{sent} replayed")
    if refused:
        first = refused[0]
        more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        fail(f"{len(refused)} not replayed: {first['id']}: {first['reason']}{more}")


@app.command()
def discard(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a dead letter.")],
    url: UrlOption = None,
) -> None:
    """Delete a dead letter permanently."""
    with connect_as_admin(settings_with(), url) as client:
        ask(client, "DELETE", f"/admin/dead-letters/{segment(letter_id)}")
    say(f"{letter_id} discarded")
