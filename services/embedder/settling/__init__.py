"""Runs to their end: what is gone is removed, what arrived is compared with what was sent.

Only ``services.embedder.service`` imports this room.
"""
