"""``fit``: the share of such hits that a person would accept, from 0 to 1.

Unlike a score it does not depend on the other candidates of a search, so it is comparable between
searches, and nonsense has almost none. ``chance`` knows what scores movies and texts have that have
nothing to do with each other, ``signals`` says how far a hit is above that, and ``calibration``
turns it into a share with numbers that ``python -m services.evaluation.fitting`` has fitted to
judged hits. Central class: ``fit_scorer.FitScorer``.
"""
