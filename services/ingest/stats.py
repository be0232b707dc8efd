"""Names of the values that the parts of a crawl store in Scrapy's stats."""

from __future__ import annotations

STAT_MOVIES = "ledger/movies"  # sent by all attempts at the run, as are the reviews
STAT_REVIEWS = "ledger/reviews"
STAT_KEPT = "ledger/kept_reviews"  # on unchanged pages, not sent
STAT_INVALID = "ledger/invalid"
STAT_FACTS_ONLY = "ledger/facts_only"  # movies were read, and nothing says that there are reviews
STAT_FACTS_DECLARED = "ledger/facts_declared"  # the source is said to have no reviews
STAT_FAULT = "crawl/fault"  # why the crawl cannot count as done
STAT_DRIFT = "crawl/drift"  # how the site's pages have changed so that they cannot be read
STAT_UNREADABLE = "crawl/unreadable"  # kind of page to number of pages without a known structure
STAT_VANISHED = "crawl/vanished"  # pages that had reviews and have no content now
STAT_UNREAD_ROWS = "crawl/unread_rows"  # rows of files, and items that are not valid
STAT_FIRST_UNREAD = "crawl/first_unread"  # the first row or page that could not be read, in words
STAT_SITES = "sites"
STAT_REMOVALS_ALLOWED = "crawl/removals_allowed"  # an operator has confirmed removals
# Pages that may exist and were not read: failed, cut off, beyond a limit, or behind a robots.txt
# that is unreachable. A crawl with any of them has not seen all of its source.
STAT_UNREAD = "web/unread"
STAT_UNREAD_EXAMPLES = "web/unread_examples"  # the first of them, until they are noted for the run
# The first failure, in words: the run's error when the crawl found no review.
FETCH_FAULT = "fetch/first_fault"
ROBOTS_UNREACHABLE = "robotstxt/unreachable"
ADDRESS_REFUSED = "address/refused"
