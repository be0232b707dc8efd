"""The command ``movie-search``.

``up`` starts the system; the other commands use the HTTP API of a running one, except ``export``,
``map``, ``evaluate``, ``finetune`` and ``snapshots verify``, which read the snapshot store, and
``sources``, which reads ``sources.toml``. Exit codes: 0 done, 1 failed with one line that says why,
2 wrong usage.
"""

from __future__ import annotations

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
from services.cli.keys import keys_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find a movie by describing what you feel like watching.",
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


def main() -> None:
    """Entry point of the console script."""
    app()
