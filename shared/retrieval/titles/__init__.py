"""Titles: the movie whose title was typed, however it was spelt, and completions of titles.

Start with ``titles.Titles``.
"""
