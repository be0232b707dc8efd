"""The HTTP server: bounded connections, worker processes, problems, routes that validate strictly.

This package knows nothing about movies. ``api``, ``access``, ``assistants``, ``middleware``,
``components``, ``app`` and ``__main__`` import it. Central classes: ``problems.Problem``,
``routing.StrictRoute``, ``prefork.Workers``.
"""
