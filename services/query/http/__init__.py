"""The HTTP server: connections with every wait bounded, worker processes, problems, strict JSON.

This room knows nothing of movies. ``api``, ``middleware``, ``app`` and ``__main__`` import it.
Central classes: ``problems.Problem``, ``prefork.Workers``.
"""
