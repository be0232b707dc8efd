"""Presets of well-known data sets: nothing but options of ``sources.toml``, by a name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

_OF_THE_SOURCE: Final = ("rating_scale", "encoding", "nulls")
"""Options of a whole source that take the place of those of a preset's tables."""


@dataclass(frozen=True, slots=True)
class Preset:
    """The options with which the files of a data set are read.

    Attributes:
        name: Its name in ``sources.toml``.
        title: What the data set is.
        files: Where to get the files, and which of them are read.
        terms: Under what terms they may be used.
        movies: The options of the table of movies; None without one.
        reviews: The options of the table of reviews; None without one.
    """

    name: str
    title: str
    files: str
    terms: str
    movies: Mapping[str, Any] | None
    reviews: Mapping[str, Any] | None


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by their names."""
    folder = resources.files("services.ingest.sources.presets")
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        name, dot, ending = file.name.rpartition(".")
        if dot and ending == "toml":
            options = tomllib.loads(file.read_text(encoding="utf-8"))
            options = {"movies": None, "reviews": None, **options}
            found[name] = Preset(name=name, **options)
    return found


def with_preset(source: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a source, completed by those of its preset, and its paths by its folder.

    What the source says itself takes the place of what the preset says.

    Args:
        source: The table of the source, not yet validated; an unknown preset changes nothing.
    """
    completed = dict(source)
    preset = presets().get(str(source.get("preset")))
    if preset is not None:
        for key, options in (("movies", preset.movies), ("reviews", preset.reviews)):
            own = source.get(key)
            if options is not None and not isinstance(own, list):
                said = {"path": own} if isinstance(own, (str, Path)) else own or {}
                completed[key] = _merged(_for_source(options, source), said)
    folder = source.get("folder")
    if isinstance(folder, (str, Path)):
        for key in ("movies", "reviews"):
            if completed.get(key) is not None:
                completed[key] = _in_folder(completed[key], Path(folder).expanduser())
    return completed


def _for_source(options: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a preset's table, without those that the source says for all tables."""
    found = {
        key: value
        for key, value in options.items()
        if key != "columns" and not (key in _OF_THE_SOURCE and key in source)
    }
    columns, own = dict(options.get("columns", {})), source.get("columns")
    if isinstance(own, Mapping):
        columns = {field: names for field, names in columns.items() if field not in own}
        if "movie_id" in own:
            found.pop("ids", None)
    return found | ({"columns": columns} if columns else {})


def _merged(below: Any, above: Any) -> Any:
    """Tables merged key by key; of other values the one above."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _merged(below[key], value) if key in below else value
    return merged


def _in_folder(table: Any, folder: Path) -> Any:
    """A table, or several, with its paths in a folder."""
    if isinstance(table, (str, Path)):
        return folder / Path(table).expanduser()
    if isinstance(table, (list, tuple)):
        return [_in_folder(one, folder) for one in table]
    if not isinstance(table, Mapping):
        return table
    placed = dict(table)
    if "path" in placed:
        placed["path"] = _in_folder(placed["path"], folder)
    if isinstance(lookups := placed.get("lookups"), Mapping):
        placed["lookups"] = {name: _in_folder(one, folder) for name, one in lookups.items()}
    return placed
