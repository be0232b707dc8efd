"""The web layer between the spiders and the sites: politeness, limits and checks.

Downloader middlewares, in their order from the engine to the network:

====  ====================  ========================================================================
  40  UrlFilterMiddleware   refuses URLs of other hosts and schemes, and all URLs during shutdown
  60  ResponseMiddleware    counts failures, recognises blocks, refuses responses that are no pages
 100  StrictRobotsTxt…      obeys robots.txt as in RFC 9309, and its Crawl-delay
 560  AddressMiddleware     replaces a resolver error by "address refused" where that was the reason
 565  RetryAfterMiddleware  repeats a request after the pause that the host asked for
 590  BoundedCompression…   stops decompression at the page limit
 600  CheckedRedirect…      follows at most five redirects, and checks each URL with the URL filter
====  ====================  ========================================================================

Extensions: ``CrawlShutdown`` ends a crawl without sending the queued requests, ``HostThrottle``
keeps the delays and pauses of each host, ``ByteBudget`` counts the received bytes. The download
handler is ``BoundedHandler``. Only ``crawl`` and spiders import this package; Scrapy loads it by
the names in its settings.

Reasons for which a page is not read::

    scrapy.exceptions.IgnoreRequest
    ├── url_filter.Refused                   a URL that is not allowed, or an unusable response
    │   └── responses.AddressRefused         the host has a private address
    ├── redirects.AlreadyRead                the page redirects to one that was requested before
    └── shutdown.CrawlShuttingDown           the crawl is ending
"""
