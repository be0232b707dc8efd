"""The order of the movies that answer a search, and the scores behind it.

Start with ``ranker.Ranker``; ``scoring`` has the formulas.
"""
