"""The settings of `movie-search`: those of the local system and of the command line."""

from __future__ import annotations

from shared.settings import CommonSettings, EmbeddersSettings, HttpSettings, SourcesSettings


class LocalSettings(CommonSettings, SourcesSettings, EmbeddersSettings, HttpSettings):
    """What `movie-search` reads itself; the services it starts read their own settings."""
