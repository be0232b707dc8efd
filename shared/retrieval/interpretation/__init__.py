"""What a typed text means: titles, constraints, negations and spelling, without a model. Pure.

``interpreter.interpret`` reads a text with the help of a ``lexicon.Lexicon``, which knows what the
catalogue knows, and returns ``parts.Interpretation``. It is deterministic and takes less than a
millisecond. The searcher searches by its parts, and the API returns them, so that the page can show
each as a chip that can be removed. Central classes: ``parts.Interpretation``, ``lexicon.Lexicon``.
"""
