"""Movies and reviews out of IMDb's pages, by their data or by their markup. Pure.

Spiders import ``pages``; the other modules are its parts.
"""
