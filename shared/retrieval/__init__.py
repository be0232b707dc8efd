"""From a search to ranked hits with evidence, over one open snapshot.

``query`` declares what is asked and answered, ``scoring``, ``titles`` and ``filters`` compute
(pure), ``ranking`` and ``evidence`` read the snapshot, ``searcher`` combines them. The query
service, the evaluation and the promotion gate import this room. Central class:
``searcher.Searcher``.
"""
