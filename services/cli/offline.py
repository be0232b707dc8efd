"""``export``, ``map`` and ``evaluate``, which read the snapshot store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from services.cli.api import (
    DataDirOption,
    absolute,
    fail,
    say,
    settings_with,
)
from services.cli.export import export_snapshot
from shared.snapshot.storage.store import NoSnapshot
from shared.snapshot.storage.verify import SnapshotCorrupt


def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; created if missing.")],
    data_dir: DataDirOption = None,
) -> None:
    """Write the current snapshot as files of the original project."""
    settings = settings_with(data_dir=absolute(data_dir))
    console = Console(stderr=True)
    try:
        with Progress(console=console, disable=not console.is_terminal) as progress:
            counts = export_snapshot(settings.snapshot_dir, folder, track=progress.track)
    except (NoSnapshot, SnapshotCorrupt) as error:
        fail(error)
    except OSError as error:
        fail(f"cannot write to {folder}: {error.strerror}")
    say(f"{counts.movies} movies and {counts.reviews} reviews written to {folder}")


def map_html(
    html: Annotated[Path, typer.Option(help="HTML file to write.")],
    data_dir: DataDirOption = None,
) -> None:
    """Write the map of the movies as one HTML file that needs no network."""
    # Bokeh takes longer to import than the other commands to run.
    from services.cli.map_html import MapMissing, write_map_html  # noqa: PLC0415

    settings = settings_with(data_dir=absolute(data_dir))
    try:
        movies = write_map_html(settings.snapshot_dir, html)
    except (NoSnapshot, SnapshotCorrupt, MapMissing) as error:
        fail(error)
    except OSError as error:
        fail(f"cannot write {html}: {error.strerror}")
    say(f"map of {movies} movies written to {html}")


def evaluate(
    queries: Annotated[
        list[Path], typer.Option(help="Folder of judged queries (BEIR layout), or of such folders.")
    ],
    mode: Annotated[
        list[str] | None, typer.Option(help="Mode to run; floors apply to the first one.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Mode that the others are compared with.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Figures of an earlier evaluation (--json) to compare with, by query."),
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(help="Id of a snapshot; default: the current one.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Address of a running system to evaluate instead.")
    ] = None,
    data_dir: DataDirOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
    floor: Annotated[
        list[str] | None, typer.Option(help="Minimum value, like plot:MRR@10>=0.80.")
    ] = None,
) -> None:
    """Measure the ranking with judged queries; fails when a floor is missed."""
    # Its metrics come with scipy, which takes longer to import than the other commands to run.
    from services.evaluation.command import Options, run  # noqa: PLC0415

    settings = settings_with(data_dir=absolute(data_dir))
    options = Options(
        queries=queries,
        store=settings.snapshot_dir,
        snapshot_id=snapshot,
        url=url,
        modes=mode or (),
        baseline=baseline,
        earlier=against,
        floors=floor or (),
        json_file=json_file,
        precision=settings.encoder_precision,
    )
    raise typer.Exit(run(options))
