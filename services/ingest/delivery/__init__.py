"""From items to the stream ``reviews``: each item sent once, counted, and accounted for at the end.

Scrapy loads ``pipeline``; ``stream_sender`` does not depend on Scrapy. Only spiders and the crawl
process import this package. Central classes: ``stream_sender.StreamSender``,
``pipeline.StreamPipeline``.
"""
