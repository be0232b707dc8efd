"""Scrapy's settings, built from a source: everything that keeps a crawl polite is said here.

Scrapy's own defaults in script mode are those of a tool under its author's eye: robots.txt is not
obeyed, certificates are not verified, pages may have a gigabyte, ``file:`` URLs are opened. None of
them is left to its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scrapy.settings import Settings as ScrapySettings

from services.ingest.sources import DatasetSource, SchemaOrgSource, Source
from shared.settings import PREFIX, Settings, SettingsInvalid

MAX_PAGE_BYTES = 5 * 2**20
MAX_ITEMS = 5_000_000
MAX_DEPTH = 500  # a chain of "next" links may be long
PAGE_TIMEOUT_S = 30
GIVE_UP_AFTER_S = 600.0

CRAWL = "MOVIE_SEARCH_CRAWL"  # the Scrapy setting that carries the Crawl


@dataclass(frozen=True, slots=True)
class Crawl:
    """What the spider and the pipeline know about the crawl that they are part of.

    ``give_up_after_s``: how long the pipeline holds items while Redis is away.
    """

    run_id: str
    source: Source
    redis_url: str
    stream_high: int
    stream_low: int
    give_up_after_s: float = GIVE_UP_AFTER_S


def crawl_of(settings: ScrapySettings) -> Crawl:
    """The crawl that Scrapy's settings were built for."""
    crawl = settings[CRAWL]
    if not isinstance(crawl, Crawl):
        raise TypeError(f"{CRAWL} is not set")
    return crawl


def user_agent(contact: str | None) -> str:
    """The name under which the crawler visits, with a way to reach its operator."""
    try:
        release = version("semantic-movie-search")
    except PackageNotFoundError:
        release = "0"
    return f"semantic-movie-search/{release}" + (f" (+{contact})" if contact else "")


def require_contact(source: Source, settings: Settings) -> None:
    """A site of somebody else's is visited under a name that can be reached, or not at all.

    Raises:
        SettingsInvalid: no contact is set, and the source is on the open web.
    """
    web = isinstance(source, SchemaOrgSource) and not source.allow_private
    if web and not settings.crawl_contact:
        raise SettingsInvalid(
            f"{PREFIX}CRAWL_CONTACT is not set: name a URL or address at which the site's owner "
            "can reach you"
        )


def scrapy_settings(crawl: Crawl, settings: Settings) -> ScrapySettings:
    """All of Scrapy's settings for one crawl."""
    values: dict[str, Any] = {
        **_common(settings),
        CRAWL: crawl,
    }
    if isinstance(crawl.source, SchemaOrgSource):
        values.update(_web(crawl.source))
    elif isinstance(crawl.source, DatasetSource):
        values["DOWNLOAD_HANDLERS"] = _only()
    return ScrapySettings(values, priority="cmdline")


def _common(settings: Settings) -> dict[str, Any]:
    return {
        "BOT_NAME": "semantic-movie-search",
        "USER_AGENT": user_agent(settings.crawl_contact),
        "ROBOTSTXT_USER_AGENT": "semantic-movie-search",
        "ITEM_PIPELINES": {"services.ingest.pipelines.StreamPipeline": 500},
        "CLOSESPIDER_TIMEOUT": settings.crawl_time_limit_s,
        "CLOSESPIDER_ITEMCOUNT": MAX_ITEMS,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "WARNING",
        "STATS_DUMP": False,
        "LOGSTATS_INTERVAL": 0,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "COOKIES_ENABLED": False,
        # A proxy of the environment would resolve names for us, past the check of addresses.
        "HTTPPROXY_ENABLED": False,
        "ROBOTSTXT_OBEY": True,
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "services.ingest.middlewares.StrictRobotsTxtMiddleware": 100,
            # Past retry (550), so that a refusal is seen before it is tried again.
            "services.ingest.middlewares.FaultMiddleware": 560,
        },
    }


def _web(source: SchemaOrgSource) -> dict[str, Any]:
    resolver = (
        "scrapy.resolver.CachingHostnameResolver"
        if source.allow_private
        else "services.ingest.addresses.PublicResolver"
    )
    return {
        "DOWNLOAD_HANDLERS": _only("http", "https"),
        "TWISTED_DNS_RESOLVER": resolver,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_DELAY": source.delay_s,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": source.delay_s,
        "AUTOTHROTTLE_MAX_DELAY": max(60.0, source.delay_s),
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0,
        "CONCURRENT_REQUESTS": 4,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_MAXSIZE": MAX_PAGE_BYTES,
        "DOWNLOAD_WARNSIZE": MAX_PAGE_BYTES,
        "DOWNLOAD_TIMEOUT": PAGE_TIMEOUT_S,
        "REDIRECT_MAX_TIMES": 5,
        "METAREFRESH_ENABLED": False,
        "RETRY_TIMES": 2,
        "DEPTH_LIMIT": MAX_DEPTH,
        # Breadth first, so that a limit cuts leaves and not whole branches.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_DISK_QUEUE": "scrapy.squeues.PickleFifoDiskQueue",
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        "CLOSESPIDER_PAGECOUNT": source.max_pages,
        "URLLENGTH_LIMIT": 2048,
    }


def _only(*schemes: str) -> dict[str, str | None]:
    """Download handlers for these schemes and no other."""
    known = ("data", "file", "ftp", "s3", "http", "https")
    return {scheme: None for scheme in known if scheme not in schemes}
