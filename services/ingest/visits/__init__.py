"""What ingest has read of a source, so that an unchanged page is neither fetched nor sent again.

One SQLite file for each source. Spiders and delivery import this room. Central classes:
``visits.Visits``, ``page_results.Reading``.
"""
