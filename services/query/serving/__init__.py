"""The snapshot in memory: loading it, reloading it, and the thread that searches it.

This package knows nothing about HTTP. ``api``, ``http.prefork``, ``middleware``, ``components`` and
``app`` import it. Central classes: ``generation.Generation``, ``reloader.Reloader``,
``batching.Batcher``.
"""
