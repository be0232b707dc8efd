"""``sources``: checks sources.toml, lists presets, and tries a source without crawling it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.api import absolute, fail, misused, say
from services.cli.tables import print_json, print_table, short_duration
from shared.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from services.ingest.pages.datasets.dataset_trial import DatasetTrial, TableTrial
    from services.ingest.sources.sources import Source

_MOST_UNREAD = 20
_MOST_CHARS = 60


def sources(
    file: Annotated[
        Path | None,
        typer.Option(help="A sources.toml; default: the configured one."),
    ] = None,
    presets: Annotated[
        bool, typer.Option("--presets", help="List the data sets that are read by their name.")
    ] = False,
    attempt: Annotated[
        str | None,
        typer.Option(
            "--try", metavar="NAME", help="Show what the first rows of a source would become."
        ),
    ] = None,
    rows: Annotated[
        int, typer.Option(min=1, max=10_000, help="Rows of each table, with --try.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check sources.toml and list the sources. Needs no running system."""
    if presets:
        _list_presets(as_json=as_json)
        return
    known = _load(file)
    if attempt is not None:
        _try(known, attempt, rows, as_json=as_json)
        return
    listed: list[dict[str, Any]] = [
        {
            "source": name,
            "spider": one.spider,
            "reviews_per_movie": one.reviews_per_movie,
            "every_s": one.every_s,
            "from": _place(one),
        }
        for name, one in sorted(known.items())
    ]
    if as_json:
        print_json(listed)
        return
    print_table(
        ("source", "spider", "reviews per movie", "every", "from"),
        (
            (
                one["source"], one["spider"], one["reviews_per_movie"] or "all",
                short_duration(one["every_s"]), one["from"],
            )
            for one in listed
        ),
    )  # fmt: skip


def _load(file: Path | None) -> Mapping[str, Source]:
    # The validation is that of ingest, so that a file which passes here is accepted there.
    from services.ingest.settings import IngestSettings  # noqa: PLC0415
    from services.ingest.sources.sources import SourceInvalid, load_sources  # noqa: PLC0415

    if file is not None and not file.is_file():
        misused(f"file not found: {file}")
    try:
        settings = load_settings(IngestSettings)
        if file is not None:
            settings = settings.model_copy(update={"sources": absolute(file)})
        return load_sources(settings)
    except SettingsInvalid as error:
        misused(error)
    except SourceInvalid as error:
        fail(error)


def _place(source: Source) -> str:
    from services.ingest.sources.sources import DatasetSource  # noqa: PLC0415

    if isinstance(source, DatasetSource):
        return source.files
    return ", ".join(sorted(source.hosts))


def _list_presets(*, as_json: bool) -> None:
    from services.ingest.sources.preset_options import presets  # noqa: PLC0415

    if as_json:
        print_json([asdict(preset) for preset in presets().values()])
        return
    for preset in presets().values():
        say(f"{preset.name}: {preset.title}")
        say(f"  files: {preset.files}")
        say(f"  terms: {preset.terms}")


def _try(known: Mapping[str, Source], name: str, rows: int, *, as_json: bool) -> None:
    from services.ingest.pages.datasets.dataset_errors import DatasetInvalid  # noqa: PLC0415
    from services.ingest.pages.datasets.dataset_trial import try_dataset  # noqa: PLC0415
    from services.ingest.sources.sources import (  # noqa: PLC0415
        DatasetSource,
        SourceInvalid,
        find_source,
    )

    try:
        source = find_source(known, name)
        if not isinstance(source, DatasetSource):
            fail(
                f"{name} is read from {_place(source)}, and --try fetches nothing: it reads files "
                f"only; crawl a few pages with max_pages = 20 and `movie-search ingest {name} "
                "--wait`"
            )
        trial = try_dataset(source, rows)
    except (SourceInvalid, DatasetInvalid) as error:
        fail(error)
    if as_json:
        print_json(asdict(trial))
    else:
        _print_trial(trial)


def _print_trial(trial: DatasetTrial) -> None:
    for title, table in (("movies", trial.movies), ("reviews", trial.reviews)):
        say(f"{title}, as they would be stored:")
        _print_records(table)
        say("")
    print_table(
        ("field", "of", "empty", "unread"),
        (
            (one.name, title, f"{one.empty} of {len(table.records)}", one.unread)
            for title, table in (("movies", trial.movies), ("reviews", trial.reviews))
            for one in table.fields
            if table.records or one.unread
        ),
    )
    for title, table in (("movies", trial.movies), ("reviews", trial.reviews)):
        if table.unused:
            say(f"columns of {title} that are not used: {', '.join(table.unused)}")
    lost = sum(one.kind != "value" for one in trial.unread)
    say(f"rows that could not be read: {lost}; values: {len(trial.unread) - lost}")
    for one in trial.unread[:_MOST_UNREAD]:
        say(f"  {one.where}: {one.why}" + (f": {one.excerpt}" if one.excerpt else ""))


def _print_records(table: TableTrial) -> None:
    if not table.records:
        say("  none")
        return
    for record in table.records:
        cells = (f"{key}: {_shown(value)}" for key, value in record.items())
        say("  " + " | ".join(cells))


def _shown(value: Any) -> str:
    said = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return said if len(said) <= _MOST_CHARS else said[: _MOST_CHARS - 1] + "…"
