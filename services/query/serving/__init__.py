"""What is being served: the snapshot in memory, its reload, and the thread that does the searching.

``api``, ``middleware`` and ``app`` import this room; it knows no HTTP. Central classes:
``generation.Generation``, ``reloader.Reloader``, ``batching.Batcher``.
"""
