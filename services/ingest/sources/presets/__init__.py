"""Presets: the options with which the files of well-known data sets are read, one TOML each.

They are data and nothing else: ``services.ingest.sources.preset_options`` reads them, and whatever
a preset says a ``sources.toml`` could say, too.
"""
