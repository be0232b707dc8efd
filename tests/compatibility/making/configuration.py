"""This step records what ``legacy.env`` and ``sources.toml`` mean to the old version."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .old import old

PREFIX = "MOVIE_SEARCH_"
"""Every variable that the old version reads begins with it."""


def meaning_of_settings(folder: Path) -> dict[str, Any]:
    """Read every setting that ``legacy.env`` gives; none but one is at its default."""
    lines = (folder / "legacy.env").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    module = old("shared.settings")
    known = {f"{PREFIX}{name.upper()}" for name in module.Settings.model_fields}
    assert set(pairs) == known | {f"{PREFIX}URL"}, set(pairs) ^ known
    os.environ.update(pairs)
    settings = module.load_settings()
    for name in pairs:
        del os.environ[name]
    defaults = module.Settings().model_dump(mode="json")
    recorded: dict[str, Any] = settings.model_dump(mode="json")
    alike = [name for name, value in recorded.items() if value == defaults[name]]
    assert alike == ["vector_store"], alike  # It has one possible value only.
    derived = ("snapshot_dir", "ingest_dir", "leases", "database")
    return {"fields": recorded, "derived": {name: str(getattr(settings, name)) for name in derived}}


def meaning_of_sources(folder: Path) -> dict[str, Any]:
    """Read every source of ``sources.toml``; paths in the result are relative to that file."""
    settings = old("shared.settings").Settings(sources=folder / "sources.toml")
    recorded = {}
    for name, source in old("services.ingest.sources").load_sources(settings).items():
        unset = set(type(source).model_fields) - source.model_fields_set
        assert not unset, (name, unset)
        recorded[name] = {
            "fields": source.model_dump(mode="json"),
            "fingerprint": old("services.ingest.visits").fingerprint_of(source),
        }
    text = json.dumps(recorded).replace(f"{folder}/", "")
    relative: dict[str, Any] = json.loads(text)
    return relative
