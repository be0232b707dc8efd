"""The whole system on one machine without Docker: ``movie-search up``.

The command line and the evaluation import this room. It starts the services as processes and
imports none of them. Central class: ``processes.Service``.
"""
