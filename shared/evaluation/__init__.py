"""Judged queries, measures and floors: how well the search finds movies in a snapshot.

The ``evaluate`` command and the embedder's promotion gate (``canary``) import this package.
Central classes: ``query_sets.QuerySet``, ``floors.Floor``.
"""
