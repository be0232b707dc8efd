"""Reads movies and reviews from schema.org markup: JSON-LD and microdata. Pure.

Other packages import ``extraction`` and ``dedupe``; the other modules are parts of ``extraction``.
"""
