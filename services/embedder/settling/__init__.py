"""The completion of runs: decides removals, measures freshness and sets the final states.

Only ``services.embedder.service`` imports this package. Central classes:
``run_completion.RunCompletion``, ``removal.Removals`` and ``freshness.Freshness``.
"""
