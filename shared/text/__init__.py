"""Review text to passages, and text to the terms of the lexical index. Pure.

Whoever splits, indexes or matches text imports this room, so that reviews and queries are always
treated alike. Central: ``passages.split``, ``terms.terms``.
"""
