"""The files of a snapshot, one module for each: how it is written, verified and read.

Only ``shared.snapshot``, ``shared.retrieval`` and the embedder's publishing import this package.
Central classes: ``catalogue.Catalogue``, ``index.VectorIndex``, ``lexical.LexicalIndex``.
"""
