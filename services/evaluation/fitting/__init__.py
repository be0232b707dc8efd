"""Fits the numbers of ``fit`` to judged hits, and shows how well they hold.

``python -m services.evaluation.fitting`` runs it: ``judged_hits`` searches the judged queries and
texts that ask for no movie, ``regression`` fits, ``reliability`` compares the fits with what was
accepted, ``figures_page`` and ``reliability_diagram`` write that down. The result is
``calibration.json`` of ``shared.retrieval.fit``.
"""
