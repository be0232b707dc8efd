"""``up`` and ``status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.api import (
    UrlOption,
    absolute,
    ask,
    connect,
    connect_as_admin,
    fail,
    misused,
    say,
    settings_with,
)
from services.cli.crawling import print_runs
from services.local.processes import CannotStart
from services.local.up import run_local
from shared.settings import SettingsInvalid
from shared.telemetry import configure_logging, warn_of_unknown_settings


def up(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the page and of the API.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder for all data.")] = None,
    sources: Annotated[Path | None, typer.Option(help="A sources.toml file.")] = None,
    source: Annotated[str, typer.Option(help="Source to crawl at the first start.")] = "demo",
    no_crawl: Annotated[
        bool, typer.Option("--no-crawl", help="Do not crawl at the first start.")
    ] = False,
) -> None:
    """Run the whole system on this machine, in the foreground; Ctrl-C stops it."""
    if sources is not None and not sources.is_file():
        misused(f"file not found: {sources}")
    settings = settings_with(port=port, data_dir=absolute(data_dir), sources=absolute(sources))
    console = settings.model_copy(
        update={"log_format": "console"} if settings.log_format == "auto" else {}
    )
    configure_logging("local", console)
    warn_of_unknown_settings()
    try:
        run_local(settings, source=source, crawl=not no_crawl)
    except SettingsInvalid as error:
        misused(error)
    except CannotStart as error:
        fail(error)


def status(url: UrlOption = None) -> None:
    """Show the snapshot that is served, and the latest runs."""
    settings = settings_with()
    with connect(settings, url) as client:
        snapshot = ask(client, "GET", "/snapshot")
    say(
        f"snapshot {snapshot['snapshot_id']} of {snapshot['created_at']}: "
        f"{snapshot['movies']} movies, {snapshot['reviews']} reviews, "
        f"{snapshot['passages']} passages, encoder {snapshot['encoder']['model']}"
    )
    if snapshot.get("degraded"):
        say(f"degraded: {snapshot['degraded']}")
    try:
        admin = connect_as_admin(settings, url)
    except typer.Exit:
        return  # runs need the token
    with admin:
        latest = ask(admin, "GET", "/admin/ingest", params={"limit": 10})
        letters = ask(admin, "GET", "/admin/dead-letters", params={"limit": 1})
        orphaned = ask(admin, "GET", "/admin/sources").get("orphaned", [])
    if letters["total"]:
        say(f"{letters['total']} dead letters: see `movie-search dead-letters list`")
    for source in orphaned:
        say(
            f"source {source} is stored and no longer configured: "
            f"`movie-search remove source {source} --yes` removes it"
        )
    print_runs(latest["runs"])
