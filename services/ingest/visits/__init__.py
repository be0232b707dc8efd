"""Records which pages of a source were read, so that unchanged pages are not read and sent again.

One SQLite file for each source. Spiders and delivery import this package. Central classes:
``visits.Visits``, ``page_results.PageResult``, ``page_results.Visit``.
"""
