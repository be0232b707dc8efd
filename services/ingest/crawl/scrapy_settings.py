"""Scrapy's settings, built from a source: everything that keeps a crawl polite is set here.

Scrapy's defaults in script mode suit a tool that its author watches: robots.txt is not obeyed,
certificates are not verified, pages may have a gigabyte, ``file:`` URLs are opened. None of these
keeps its default here.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scrapy.settings import Settings as ScrapySettings

from services.ingest.context import CRAWL, MAX_ITEMS, MAX_PAGE_BYTES, MAX_URL_CHARS, Crawl
from services.ingest.settings import IngestSettings
from services.ingest.sources.base_source import BaseSource
from services.ingest.sources.sources import DatasetSource, WebSource
from shared.settings import PREFIX, SettingsInvalid

MAX_HOSTS_AT_ONCE = 8
PAGE_TIMEOUT_S = 30.0  # from the resolution of the name to the last byte
PUBLIC_RESOLVER = "services.ingest.web.addresses.PublicResolver"


_WEB = "services.ingest.web"
_DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    f"{_WEB}.url_filter.UrlFilterMiddleware": 40,
    f"{_WEB}.responses.ResponseMiddleware": 60,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    f"{_WEB}.robots.StrictRobotsTxtMiddleware": 100,
    # Closer to the network than retry (550): they see each try.
    f"{_WEB}.responses.AddressMiddleware": 560,
    f"{_WEB}.throttle.RetryAfterMiddleware": 565,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    f"{_WEB}.compression.BoundedCompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    f"{_WEB}.redirects.CheckedRedirectMiddleware": 600,
}
_EXTENSIONS = {
    "scrapy.extensions.throttle.AutoThrottle": None,
    f"{_WEB}.shutdown.CrawlShutdown": 0,
    f"{_WEB}.byte_budget.ByteBudget": 0,
    f"{_WEB}.throttle.HostThrottle": 0,
}


def user_agent(contact: str | None) -> str:
    """The User-Agent header, with a way to reach the operator.

    Args:
        contact: A URL or an address; None leaves it out.
    """
    try:
        release = version("semantic-movie-search")
    except PackageNotFoundError:
        release = "0"
    return f"semantic-movie-search/{release}" + (f" (+{contact})" if contact else "")


def require_contact(source: BaseSource, settings: IngestSettings) -> None:
    """Check that a crawl of the public web names a contact in its User-Agent.

    Raises:
        SettingsInvalid: no contact is set, and the source is on the public web.
    """
    is_public = isinstance(source, WebSource) and not source.allow_private
    if is_public and not settings.crawl_contact:
        raise SettingsInvalid(
            f"{PREFIX}CRAWL_CONTACT is not set: set it to a URL or an address at which the site's "
            "owner can reach you"
        )


def scrapy_settings(crawl: Crawl, settings: IngestSettings) -> ScrapySettings:
    """All of Scrapy's settings for one crawl."""
    values: dict[str, Any] = {
        **_common(crawl.source, settings),
        CRAWL: crawl,
    }
    if isinstance(crawl.source, WebSource):
        values.update(_web(crawl.source))
    elif isinstance(crawl.source, DatasetSource):
        # Nothing is downloaded, and loading the middlewares takes a quarter of a second.
        values.update(DOWNLOAD_HANDLERS=_only(), DOWNLOADER_MIDDLEWARES_BASE={})
    return ScrapySettings(values, priority="cmdline")


def _common(source: BaseSource, settings: IngestSettings) -> dict[str, Any]:
    return {
        "BOT_NAME": "semantic-movie-search",
        "USER_AGENT": user_agent(settings.crawl_contact),
        "ROBOTSTXT_USER_AGENT": "semantic-movie-search",
        "ITEM_PIPELINES": {"services.ingest.delivery.pipeline.StreamPipeline": 500},
        "CLOSESPIDER_TIMEOUT": source.time_limit_s or settings.crawl_time_limit_s,
        "CLOSESPIDER_ITEMCOUNT": MAX_ITEMS,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "WARNING",
        "STATS_DUMP": False,
        "LOGSTATS_INTERVAL": 0,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "COOKIES_ENABLED": False,
        # A proxy from the environment would resolve names itself, without the address check.
        "HTTPPROXY_ENABLED": False,
        "ROBOTSTXT_OBEY": True,
    }


def _web(source: WebSource) -> dict[str, Any]:
    resolver = (
        "scrapy.resolver.CachingHostnameResolver" if source.allow_private else PUBLIC_RESOLVER
    )
    handler = f"{_WEB}.download.BoundedHandler"
    return {
        "DOWNLOAD_HANDLERS": {**_only("http", "https"), "http": handler, "https": handler},
        "DOWNLOADER_MIDDLEWARES": _DOWNLOADER_MIDDLEWARES,
        "EXTENSIONS": _EXTENSIONS,
        "TWISTED_DNS_RESOLVER": resolver,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_DELAY": source.delay_s,
        "DOWNLOAD_DELAY_JITTER": 0.0,  # jitter would halve the shortest pause
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": source.delay_s,
        "AUTOTHROTTLE_MAX_DELAY": max(60.0, source.delay_s),
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0,
        # One for each host: more would only wait in the queue, and be sent after a limit.
        "CONCURRENT_REQUESTS": min(len(source.hosts), MAX_HOSTS_AT_ONCE),
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_MAXSIZE": MAX_PAGE_BYTES,
        "DOWNLOAD_WARNSIZE": MAX_PAGE_BYTES,
        "DOWNLOAD_TIMEOUT": PAGE_TIMEOUT_S,
        "REDIRECT_MAX_TIMES": 5,
        "METAREFRESH_ENABLED": False,
        "RETRY_TIMES": 2,
        "DEPTH_LIMIT": source.max_depth,
        # Breadth first, so that a limit cuts off leaves and not whole branches.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_DISK_QUEUE": "scrapy.squeues.PickleFifoDiskQueue",
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        "CLOSESPIDER_PAGECOUNT": source.max_pages,
        "URLLENGTH_LIMIT": MAX_URL_CHARS,
    }


def _only(*schemes: str) -> dict[str, str | None]:
    """Disable the download handlers of all schemes but these."""
    known = ("data", "file", "ftp", "s3", "http", "https")
    return {scheme: None for scheme in known if scheme not in schemes}
