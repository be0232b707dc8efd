"""The names under which a crawl's parts leave what they counted in Scrapy's stats."""

from __future__ import annotations

STAT_MOVIES = "ledger/movies"  # sent by all attempts at the run, as are the reviews
STAT_REVIEWS = "ledger/reviews"
STAT_KEPT = "ledger/kept_reviews"  # on unchanged pages, not sent
STAT_INVALID = "ledger/invalid"
STAT_FAULT = "crawl/fault"  # why the crawl cannot count as done
STAT_DRIFT = "crawl/drift"  # how the site has changed so that we no longer understand it
STAT_UNREADABLE = "crawl/unreadable"  # by kind of page, how many have not the known structure
STAT_SITES = "sites"
# Pages that may well exist and were not read: failed, cut off, beyond a limit, behind a robots.txt
# that cannot be had. A crawl with any has not seen all of its source.
STAT_UNREAD = "web/unread"
# The first thing that went wrong, in words: the run's error when nothing came of the crawl.
FETCH_FAULT = "fetch/first_fault"
ROBOTS_UNREACHABLE = "robotstxt/unreachable"
ADDRESS_REFUSED = "address/refused"
