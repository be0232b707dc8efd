"""One crawl in its own process: ``python -m services.ingest.crawl``.

``scrapy_settings`` builds Scrapy's settings from a source, ``verdict`` judges the crawl by its
statistics. The supervisor starts this room as a process; nothing imports it.
"""
