"""From bytes to items: text cleaning, stable ids, sitemaps, and the page formats. Pure.

Each format has a package: ``schema_org``, ``imdb``, ``tmdb`` and ``datasets``. Spiders, visits and
delivery import this package. Central classes: ``items.MovieItem``, ``items.ReviewItem``.
"""
