"""The command ``movie-search``.

``up`` starts the system; the other commands use the HTTP API of a running one, except ``export``,
``map``, ``evaluate``, ``finetune`` and ``snapshots verify``, which read the snapshot store, and
``sources``, which reads ``sources.toml``. Exit codes: 0 done, 1 failed with one line that says why,
2 wrong usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import (
    crawling,
    dead_letters,
    finetune_command,
    lifecycle,
    offline,
    removal_commands,
    search,
    snapshots,
    source_files,
)
from services.cli.api import show_version
from services.cli.keys import keys_command

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for command in (
    lifecycle.up,
    lifecycle.status,
    search.search,
    crawling.ingest,
    crawling.cancel,
    crawling.runs,
    crawling.unread,
    source_files.sources,
    removal_commands.remove,
    removal_commands.allow,
    offline.export,
    offline.evaluate,
    finetune_command.finetune,
):
    app.command()(command)
app.command("map")(offline.map_html)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(keys_command.app, name="keys")
app.add_typer(snapshots.app, name="snapshots")


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find a movie by describing what you feel like watching."""


def main() -> None:
    """Entry point of the console script."""
    app()
