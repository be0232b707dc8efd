"""The embedder service: turns reviews from the stream into vectors and published snapshots.

It is the only service that uses the database. Its parts in the order of the flow: ``consumer`` and
``database`` (stream to SQL), ``encoding`` and ``model`` (text to vectors), ``settling`` (removal,
completion of runs), ``movie_map`` and ``publishing`` (SQL to a snapshot). ``service.Embedder``
composes them; ``worker_locks`` lets several embedders share one database. No other service imports
this package.
"""
