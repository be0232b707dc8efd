"""The operation that finds many known movies at once, by id or by title and year.

Only ``services.query.app`` imports its route, in ``movie_lookup``.
"""
