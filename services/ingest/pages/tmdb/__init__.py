"""Reads the answers of TMDB's interface for programs, version 3: movies and their reviews. Pure.

Spiders import ``answers``; ``movie_facts`` is its part.
"""
