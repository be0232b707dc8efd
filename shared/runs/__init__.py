"""Runs: the record of each crawl in Redis, its state and lease, and requests of operators.

``run_record`` declares the record (pure), ``registry`` keeps the records, ``run_scripts`` has the
Lua scripts, ``activation_requests`` the requests to serve another snapshot. Every service and the
command line may import this package. Central class: ``run_record.Run``.
"""
