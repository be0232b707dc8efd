"""The files inside a snapshot, one module for each: how it is written, proven and read.

Only ``shared.snapshot``, ``shared.retrieval`` and the embedder's publishing import this room.
Central classes: ``catalogue.Catalogue``, ``index.VectorIndex``, ``lexical.LexicalIndex``.
"""
