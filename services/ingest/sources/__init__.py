"""The sources that may be crawled: reads and validates ``sources.toml``.

Every package of ingest, and the command line, may import this one; of ingest it imports only the
settings. Central classes: ``sources.SchemaOrgSource``, ``sources.DatasetSource``,
``sources.ImdbSource``, ``tmdb_source.TmdbSource``.
"""
