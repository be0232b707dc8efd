"""The query service: answers searches over the snapshot that the embedder published last.

``app`` composes the service. ``http`` holds the server and the parts that any HTTP API needs,
``api`` the operations, ``serving`` the snapshot in memory and the thread that searches it, ``page``
and ``ui`` the web page. No other service imports this one.
"""
