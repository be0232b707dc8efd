"""Fetches the posters that a crawl has found, in a process of its own after the crawl.

It obeys the same rules as a crawl: robots.txt, pace, limits, the source's hosts and public
addresses. A poster that cannot be had is counted as a value that could not be read, and nothing
else depends on it. Decoding a picture runs code that strangers have written for; if it ends the
process, the crawl goes on. Central class: ``poster_spider.PosterSpider``.
"""
