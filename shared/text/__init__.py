"""Splits review text into passages, and text into the terms of the lexical index. Pure.

All code that splits, indexes or matches text uses this package, so that reviews and queries are
always treated alike. Central functions: ``passages.split`` and ``terms.terms``.
"""
