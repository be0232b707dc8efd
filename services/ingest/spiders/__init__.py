"""Spiders: from a source to items, nothing else.

``page_spider`` has what all spiders that fetch pages share; ``schema_org``, ``imdb`` and
``dataset`` are one spider each. Only ``services.ingest.crawl`` imports this room.
"""
