"""Spiders: they read a source and yield items.

``page_spider.PageSpider`` is the base class of the spiders that fetch pages; it reads
``page_sequences.PageSequence`` objects. ``schema_org``, ``imdb`` and ``dataset`` contain one spider
each. Only ``services.ingest.crawl`` imports this package.
"""
