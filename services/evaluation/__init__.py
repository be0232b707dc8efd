"""Retrieval quality: modes compared over judged queries, with confidence intervals.

``movie-search evaluate`` and ``make evaluate`` run it. It composes a system (``services.local``)
and imports no service. Central functions: ``evaluation.evaluate`` and
``snapshot_build.ensure_snapshot``.
"""
