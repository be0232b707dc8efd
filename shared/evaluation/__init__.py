"""Judged queries, measures and floors: how well a snapshot finds movies.

The ``evaluate`` command and the embedder's promotion gate (``canary``) import this room.
Central classes: ``query_sets.QuerySet``, ``floors.Floor``.
"""
