"""From a query to ranked movies with evidence, over one open snapshot.

``query`` declares queries and results; ``scoring``, ``titles`` and ``filters`` compute (pure);
``ranking`` and ``evidence`` read the snapshot; ``searcher`` combines them. The query service, the
evaluation and the promotion gate import this package. Central class:
``searcher.Searcher``.
"""
