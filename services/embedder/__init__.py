"""The embedder service: reviews from the stream to vectors and published snapshots.

It is the only owner of the database. The rooms in the order of the flow: ``consumer`` and
``database`` (stream to SQL), ``encoding`` and ``model`` (text to vectors), ``settling`` (runs to
their end), ``movie_map`` and ``publishing`` (SQL to a snapshot). No other service imports it.
"""
