"""From bytes to items: text cleaning, stable ids, sitemaps, and the page formats. Pure.

``schema_org``, ``imdb`` and ``datasets`` are rooms of their own, one for each format. Spiders,
visits and delivery import this room. Central classes: ``items.MovieItem``, ``items.ReviewItem``.
"""
