"""Runs: the record of each crawl in Redis, its states, its lease, and the operator's requests.

``run_record`` declares the record (pure), ``registry`` keeps the records, ``run_scripts`` has the
Lua scripts, ``activation_requests`` the requests to serve another snapshot. Every service and the
command line may import this room. Central class: ``run_record.Run``.
"""
