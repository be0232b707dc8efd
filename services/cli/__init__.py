"""The command ``movie-search``.

``up`` starts the system; the other commands talk to a running one over its HTTP API, except
``export``, ``map``, ``evaluate`` and ``snapshots verify``, which read the snapshot store, and
``sources``, which reads the file of sources. Exit codes: 0 done, 1 failed with one line that says
why, 2 wrong usage.
"""

from __future__ import annotations

import typer

from services.cli import crawling, dead_letters, offline, search, snapshots, system

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find a film by describing what you feel like watching.",
)
for command in (
    system.up,
    system.status,
    search.search,
    crawling.ingest,
    crawling.cancel,
    crawling.runs,
    crawling.sources,
    offline.export,
    offline.evaluate,
):
    app.command()(command)
app.command("map")(offline.draw_map)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(snapshots.app, name="snapshots")


def main() -> None:
    """Entry point of the console script."""
    app()
