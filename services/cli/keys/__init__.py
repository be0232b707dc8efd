"""The commands of the search keys: ``movie-search keys add|list|remove``.

Only ``services.cli`` imports it. It writes the file that the query service reads
(``services.query.access.key_file``), and needs no running system.
"""
