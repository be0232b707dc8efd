"""How one part of the web layer finds another: Scrapy's extensions, by their class."""

from __future__ import annotations

from typing import TypeVar

from scrapy.crawler import Crawler

E = TypeVar("E")


def extension_of(crawler: Crawler, kind: type[E]) -> E:
    """The extension of a crawl.

    Args:
        crawler: The crawl.
        kind: The class of the extension.

    Raises:
        RuntimeError: the extension is not enabled.
    """
    extension: E | None = crawler.get_extension(kind)
    if extension is None:
        raise RuntimeError(f"{kind.__name__} is not among the extensions")
    return extension
