"""The web layer: what stands between the spiders and other people's sites.

Downloader middlewares, from the engine to the wire, and what each is for:

====  =====================  =======================================================================
  40  GateMiddleware         no URL but http(s) of the source's own hosts, ever; none while ending
  60  AnswerMiddleware       final answers: failures counted, blocks recognised, no page is no page
 100  StrictRobotsTxt…       robots.txt by RFC 9309, with Crawl-delay
 560  AddressMiddleware      "cannot resolve" becomes "address refused" where that was the reason
 565  RetryAfterMiddleware   asks again after the pause that the host asked for
 590  BoundedCompression…    bombs end at the page limit while they are unpacked
 600  CheckedRedirect…       at most five hops, each through the gate
====  =====================  =======================================================================

Extensions: ``CrawlEnd`` ends a crawl without sending what still waits, ``HostThrottle`` keeps each
host's delays and pauses, ``ByteBudget`` counts what is received. ``BoundedHandler`` downloads.
"""
