"""What the head of a page says about the page itself: its address, and what crawlers may do. Pure.

``<base>`` is the address that links are relative to, ``rel=canonical`` the address by which the
site itself knows the page, and robots meta tags (like the header ``X-Robots-Tag``) say whether it
may be indexed and its links followed: https://developers.google.com/search/docs/crawling-indexing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

import lxml.html

_ROBOTS = frozenset({"robots", "semantic-movie-search"})
_RULES = frozenset(
    {"all", "none", "index", "noindex", "follow", "nofollow", "noarchive", "nosnippet"}
)


@dataclass(frozen=True, slots=True)
class PageHead:
    """What a page says about itself.

    Attributes:
        base: The address that relative links are resolved against.
        address: The address by which the page is known.
        may_index: Whether its content may be put into an index.
        may_follow: Whether its links may be followed.
        language: The language of the page, if it says so.
    """

    base: str
    address: str
    may_index: bool = True
    may_follow: bool = True
    language: str | None = None


def read_head(tree: lxml.html.HtmlElement, url: str, robots_tags: Iterable[str] = ()) -> PageHead:
    """Read the head of a page.

    Args:
        tree: The page.
        url: The URL it was fetched from.
        robots_tags: The values of its ``X-Robots-Tag`` headers.
    """
    base = url
    for element in tree.iter("base"):
        href = element.get("href")
        if href:
            base = _absolute(url, href) or url
            break
    rules: set[str] = set()
    for element in tree.iter("meta"):
        if (element.get("name") or "").strip().lower() in _ROBOTS:
            rules |= _rules(element.get("content") or "")
    for value in robots_tags:
        rules |= _header_rules(value)
    is_closed = "none" in rules
    return PageHead(
        base=base,
        address=_canonical(tree, url, base),
        may_index=not (is_closed or "noindex" in rules),
        may_follow=not (is_closed or "nofollow" in rules),
        language=tree.get("lang"),
    )


def _canonical(tree: lxml.html.HtmlElement, url: str, base: str) -> str:
    """The canonical address, if it can be that of this page.

    Some sites give their home page as the canonical address of every page; and an address on
    another host is not for this crawl to believe.
    """
    for element in tree.iter("link"):
        if "canonical" not in (element.get("rel") or "").lower().split():
            continue
        address = _absolute(base, element.get("href") or "")
        if address is None:
            continue
        there, here = urlsplit(address), urlsplit(url)
        is_home = not there.path.strip("/") and not there.query
        is_here_home = not here.path.strip("/") and not here.query
        if _host(there.netloc) == _host(here.netloc) and (is_here_home or not is_home):
            return urldefrag(address).url
    return url


def _host(netloc: str) -> str:
    return netloc.lower().removeprefix("www.")


def _rules(content: str) -> set[str]:
    return {rule.strip().lower() for rule in content.split(",")}


def _header_rules(value: str) -> set[str]:
    """The rules of an ``X-Robots-Tag`` for all crawlers, or for this one."""
    name, colon, rest = value.partition(":")
    name = name.strip().lower()
    if not colon or name in _RULES or name.startswith(("unavailable_after", "max-")):
        return _rules(value)
    return _rules(rest) if name in _ROBOTS else set()


def _absolute(base: str, link: str) -> str | None:
    try:
        address = urljoin(base, link.strip())
    except ValueError:
        return None
    return address if address.startswith(("http://", "https://")) else None
