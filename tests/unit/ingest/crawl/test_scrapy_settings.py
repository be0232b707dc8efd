"""Scrapy's settings leave nothing to Scrapy's defaults that could hurt."""

from __future__ import annotations

from pathlib import Path

import pytest
from scrapy.settings import Settings as ScrapySettings
from scrapy.utils.misc import load_object

from services.ingest.context import MAX_PAGE_BYTES, Crawl, crawl_of
from services.ingest.crawl.scrapy_settings import require_contact, scrapy_settings
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import DatasetSource, SchemaOrgSource, Source
from shared.settings import SettingsInvalid


def _settings(source: Source) -> ScrapySettings:
    crawl = Crawl("r", source, "redis://x", 10, 5)
    built = scrapy_settings(crawl, IngestSettings(crawl_contact="mailto:ops@films.example"))
    assert crawl_of(built) == crawl
    return built


def _site(**fields: object) -> SchemaOrgSource:
    return SchemaOrgSource.model_validate(
        {"name": "s", "spider": "schema_org", "start_urls": ["https://a.example/"], **fields}
    )


def test_a_site_on_the_open_web_needs_a_contact() -> None:
    with pytest.raises(SettingsInvalid, match="MOVIE_SEARCH_CRAWL_CONTACT"):
        require_contact(_site(), IngestSettings())
    require_contact(_site(), IngestSettings(crawl_contact="mailto:ops@films.example"))
    require_contact(_site(allow_private=True), IngestSettings())


def test_a_web_source_is_visited_politely() -> None:
    settings = _settings(_site(delay_s=2.5, max_pages=77, max_depth=9, time_limit="90s"))
    for name in ("ROBOTSTXT_OBEY", "AUTOTHROTTLE_ENABLED", "DOWNLOAD_VERIFY_CERTIFICATES"):
        assert settings.getbool(name), name
    for name in ("COOKIES_ENABLED", "TELNETCONSOLE_ENABLED", "REMOTE_CONTROL_ENABLED",
                 "HTTPPROXY_ENABLED", "METAREFRESH_ENABLED"):  # fmt: skip
        assert not settings.getbool(name), name
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    assert settings.getint("CONCURRENT_REQUESTS") == 1
    assert settings.getfloat("DOWNLOAD_DELAY") == 2.5
    assert settings.getfloat("DOWNLOAD_DELAY_JITTER") == 0  # it would halve the least pause
    assert settings.getint("DEPTH_LIMIT") == 9
    assert settings.getint("REDIRECT_MAX_TIMES") == 5
    assert settings.getfloat("CLOSESPIDER_TIMEOUT") == 90
    assert settings.getint("CLOSESPIDER_PAGECOUNT") == 77
    assert settings.getint("DOWNLOAD_MAXSIZE") == MAX_PAGE_BYTES == 5 * 2**20
    assert settings.getfloat("DOWNLOAD_TIMEOUT") == 30
    assert "mailto:ops@films.example" in settings["USER_AGENT"]
    handlers = settings.getwithbase("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler} == {"http", "https"}
    assert settings["TWISTED_DNS_RESOLVER"] == "services.ingest.web.addresses.PublicResolver"
    private = _settings(_site(allow_private=True))
    assert private["TWISTED_DNS_RESOLVER"] != "services.ingest.web.addresses.PublicResolver"


def test_hosts_are_visited_side_by_side_up_to_a_limit() -> None:
    def at_once(hosts: int) -> int:
        urls = [f"https://{n}.example/" for n in range(hosts)]
        return _settings(_site(start_urls=urls)).getint("CONCURRENT_REQUESTS")

    assert (at_once(1), at_once(3), at_once(50)) == (1, 3, 8)


def test_the_web_layer_stands_where_scrapys_own_did() -> None:
    settings = _settings(_site())
    for setting in ("DOWNLOADER_MIDDLEWARES", "EXTENSIONS"):
        in_place = settings.getwithbase(setting)
        ours = {name: at for name, at in in_place.items() if str(name).startswith("services.")}
        assert ours
        for name in ours:
            assert issubclass(load_object(name), object)
    replaced = settings.getwithbase("DOWNLOADER_MIDDLEWARES")
    for scrapys in ("offsite.Offsite", "robotstxt.RobotsTxt", "redirect.Redirect",
                    "httpcompression.HttpCompression"):  # fmt: skip
        assert replaced[f"scrapy.downloadermiddlewares.{scrapys}Middleware"] is None
    at = {str(name).rpartition(".")[2]: order for name, order in replaced.items() if order}
    # As the docstring of services.ingest.web says, and for its reasons.
    assert (
        at["UrlFilterMiddleware"] < at["ResponseMiddleware"] < at["StrictRobotsTxtMiddleware"]
        < at["RetryMiddleware"] < at["AddressMiddleware"] < at["RetryAfterMiddleware"]
        < at["BoundedCompressionMiddleware"] < at["CheckedRedirectMiddleware"]
    )  # fmt: skip


def test_a_dataset_opens_no_connection_at_all() -> None:
    source = DatasetSource(
        name="s", spider="dataset", movies=Path("/m.csv"), reviews=Path("/r.csv")
    )
    settings = _settings(source)
    assert not any(settings.getwithbase("DOWNLOAD_HANDLERS").values())
    assert not settings.getwithbase("DOWNLOADER_MIDDLEWARES")
