"""The query service: answers searches over the snapshot that the embedder published last.

``app`` composes the service. ``http`` holds the server and the parts that any HTTP API needs,
``access`` keys and limits, ``api`` the operations, ``assistants`` those of MCP, ``serving`` the
snapshot in memory and the thread that searches it, ``page`` and ``ui`` the web page. No other
service imports this one; the command line imports ``access.key_file``.
"""
