"""The query service: searches over the snapshot that the embedder published last.

``app`` composes the service; ``http`` is the server and what any HTTP API needs, ``api`` the
operations, ``serving`` the snapshot in memory and the thread that searches it, ``page`` and ``ui``
the page. No other service imports query.
"""
