"""Obeys robots.txt as in RFC 9309, and its Crawl-delay."""

from __future__ import annotations

import re
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser, decode_robotstxt
from scrapy.utils.httpobj import urlparse_cached

from services.ingest.stats import ROBOTS_UNREACHABLE, STAT_UNREAD
from services.ingest.web.extensions import extension_of
from services.ingest.web.politeness import MAX_CRAWL_DELAY_S
from services.ingest.web.responses import AddressRefused
from services.ingest.web.shutdown import CrawlShuttingDown
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.throttle import HostThrottle
from shared.telemetry import get_logger

MAX_ROBOTS_BYTES = 500 * 2**10  # the limit that RFC 9309 requires at least; more is not read
MAX_ROBOTS_RULES = 200_000  # a rule counts once for each user agent of its group

# As lenient as the parser.
_RULE = re.compile(
    r"(?:dissallow|dissalow|disalow|diasllow|disallaw|disallow|allow|crawl[- ]delay"
    r"|request[- ]rate|visit[- ]time)(?=[\s:]|$)"
)
_DISALLOW_ALL = b"User-agent: *\nDisallow: /\n"


class StrictRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Treats an unreachable robots.txt as one that forbids the whole site (RFC 9309, 2.3.1.4).

    Scrapy treats an error page as an empty robots.txt, and a missing response as permission. A
    missing file (4xx) does permit everything; "too many requests" does not, because it says
    nothing about the file.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._report = SiteReport(crawler.stats)
        self._throttle = extension_of(crawler, HostThrottle)
        self._hosts: dict[str, str] = {}  # Scrapy's name of a host to its name in reports
        self._private: dict[str, str] = {}

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The rules for the host of a request; called by Scrapy."""
        self._hosts[urlparse_cached(request).netloc] = host_of(request.url)
        parser: RobotParser | None = await super().robot_parser(request)
        return parser

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Check one request; called by Scrapy.

        Raises:
            IgnoreRequest: robots.txt forbids the request, or cannot be used.
        """
        host = host_of(request.url)
        if host in self._private:
            self._report.add(host, "refused")
            raise AddressRefused(self._private[host])
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest:
            self._report.add(host, "forbidden")
            raise

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        host, status = host_of(request.url), response.status
        body = b""
        if status >= 500 or status == 429 or 300 <= status < 400:
            body = self._forbid_all(host, f"HTTP status {status}")
        elif status >= 400:
            self._report.set_robots(host, "absent")
        else:
            body = response.body[:MAX_ROBOTS_BYTES]
            if len(body) < len(response.body):
                body = body[: body.rfind(b"\n") + 1]
            if count_rules(body) > MAX_ROBOTS_RULES:
                body = self._forbid_all(host, f"it has more than {MAX_ROBOTS_RULES} rules")
            else:
                body = self._obeyed(host, body, request)
        await super()._parse_robots(response.replace(body=body), netloc, request)

    def _obeyed(self, host: str, body: bytes, request: Request) -> bytes:
        parser = self._parserimpl.from_crawler(self.crawler, body)
        delay_s = parser.crawl_delay(self._robotstxt_useragent or self._default_useragent)
        self._report.set_robots(host, "obeyed", delay_s)
        if delay_s is None:
            return body
        if delay_s > MAX_CRAWL_DELAY_S:
            reason = (
                f"robots.txt of {host} asks for a Crawl-delay of {delay_s:g} s, more than the "
                f"limit of {MAX_CRAWL_DELAY_S:g} s; the host is not crawled"
            )
            self._stats.inc_value(STAT_UNREAD)
            self._report.note_fault(reason)
            get_logger().warning("crawl delay too long, host not crawled", host=host, delay=delay_s)
            return _DISALLOW_ALL
        self._throttle.set_min_delay(request, delay_s)
        return body

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        host = self._hosts[netloc]
        if isinstance(exc, AddressRefused):
            self._private[host] = str(exc)
        elif not isinstance(exc, CrawlShuttingDown):
            self._forbid_all(host, str(exc) or type(exc).__name__)
        parser = self._parserimpl.from_crawler(self.crawler, _DISALLOW_ALL)
        waiting: Any = self._parsers[netloc]
        self._parsers[netloc] = parser
        waiting.callback(parser)

    def _forbid_all(self, host: str, reason: str) -> bytes:
        self._report.set_robots(host, "unreachable")
        self._stats.inc_value(ROBOTS_UNREACHABLE)
        self._stats.inc_value(STAT_UNREAD)
        self._report.note_fault(f"robots.txt of {host} cannot be used: {reason}")
        get_logger().warning("robots.txt unusable, host not crawled", host=host, reason=reason)
        return _DISALLOW_ALL


def count_rules(body: bytes) -> int:
    """An upper bound of the rules that a parser stores: each rule for each user agent of its group.

    A group of thousands of user agents with thousands of rules is a small file and gigabytes of
    rules.
    """
    agents = rules = 0
    in_agents = False
    for line in decode_robotstxt(body, None).lower().splitlines():
        field = line.strip()
        if field.startswith("user"):
            agents = agents + 1 if in_agents else 1
            in_agents = True
        elif _RULE.match(field):
            rules += agents
            in_agents = False
    return rules
