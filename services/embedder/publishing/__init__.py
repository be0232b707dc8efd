"""From SQL to a published snapshot: when, what, and the operator's requests to roll back.

Only ``services.embedder.service`` imports this room. Central class: ``publisher.Publisher``.
"""
