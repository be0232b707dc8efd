"""The whole system on one machine without Docker.

``movie-search up`` runs all of it, and the evaluation the part that builds a snapshot. It starts
the services as processes and imports none of them. Central classes: ``system.LocalSystem`` and
``processes.Service``.
"""
