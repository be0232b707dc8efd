"""The passages that say why movies match a query, and why two movies are similar.

``choosing`` and ``pairs`` read the snapshot, and ``describing`` quotes the description; the other
modules are pure: what a query asks for (``asking``), whether a text denies it (``denial``) or is a
pan (``polarity``), and which words are marked (``marking``). The searcher imports this package.
Central class: ``asking.Asked``.
"""
