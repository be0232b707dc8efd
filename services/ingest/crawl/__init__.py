"""One crawl in a separate process: ``python -m services.ingest.crawl``.

``scrapy_settings`` builds Scrapy's settings from a source, ``verdict`` derives the outcome from
Scrapy's stats. The supervisor starts this package as a process; no other package imports it.
"""
