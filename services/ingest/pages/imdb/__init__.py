"""Reads movies and reviews from IMDb's pages, from their data or from their markup. Pure.

Spiders import ``pages``; the other modules are its parts.
"""
