"""The ingest service: crawls configured sources, one Scrapy child process for each run.

The rooms in the order of the flow: ``sources`` (what may be crawled), ``supervisor`` (runs and
their processes), ``crawl`` (one Scrapy process), ``spiders``, ``web`` (politeness and limits),
``pages`` (bytes to items, pure), ``visits`` (what has been read), ``delivery`` (items to the
stream). No other service imports ingest; the command line imports ``sources`` alone.
"""
