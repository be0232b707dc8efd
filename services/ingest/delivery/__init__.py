"""From items to the stream ``reviews``: each item sent once, counted, and accounted for at the end.

Scrapy loads ``pipeline``; ``stream_sender`` knows no Scrapy. Only spiders and the crawl process
import this room. Central class: ``stream_sender.StreamSender``.
"""
