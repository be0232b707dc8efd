"""Reads the markup of IMDb's pages, for pages without the data that ``next_data`` reads.

It knows two generations of markup: ``ipc-`` components (since 2023), and ``lister`` lists (before,
and in the further pages of reviews, which are fragments). Every reader returns None when the page
has neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from urllib.parse import urljoin

import lxml.html
from parsel import Selector

from services.ingest.pages.identifiers import imdb_movie_id
from services.ingest.pages.imdb.content import ListedTitle
from services.ingest.pages.items import MovieItem, ReviewItem

_RANK = re.compile(r"^\d{1,5}\.\s+")
_REVIEW = re.compile(r"/review/(rw\d+)|^(rw\d+)$")
_DIGITS = re.compile(r"\d[\d,.]*")
_VOTES = re.compile(r"([\d.,]+)\s*([KM]?)")
_NAME_AND_YEAR = re.compile(r"^(?P<name>.+?)\s+\((?:[^()]*\s)?(?P<year>\d{4})[^()]*\)")
_DAY_FIRST = re.compile(r"(\d{1,2})\s+([A-Za-z]{3})[a-z]*\.?,?\s+(\d{4})")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2}),?\s+(\d{4})")
_MOST_CHARS = 300  # of a title with its year, or of a day: more are neither
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_LISTS = ".lister-list, .lister, ul.ipc-metadata-list"
_TITLES = "li.ipc-metadata-list-summary-item, .lister-list > .lister-item"
_REVIEWS = "article.user-review-item, .imdb-user-review, .review-container"
_NO_REVIEWS = ".lister-list, .lister, [data-testid='reviews-container'], #reviews-container"


def read_titles(
    tree: lxml.html.HtmlElement, base: str
) -> tuple[list[ListedTitle], str | None, bool] | None:
    """The movies of a list, the link to the next page, and whether the list has more entries."""
    page = Selector(root=tree)
    if not page.css(_LISTS):
        return None
    titles = []
    for item in page.css(_TITLES):
        link = item.css("a.ipc-title-link-wrapper, .lister-item-header a")
        movie_id = imdb_movie_id(link.attrib.get("href"))
        if movie_id is None:
            continue
        titles.append(
            ListedTitle(
                movie_id=movie_id,
                title=_RANK.sub("", _line(link) or "") or None,
                rating=_rating(
                    item.css(".ratings-imdb-rating::attr(data-value)").get()
                    or _line(item.css(".ipc-rating-star--rating"))
                ),
                votes=_votes(
                    item.css("[name=nv]::attr(data-value)").get()
                    or _line(item.css(".ipc-rating-star--voteCount"))
                ),
                url=f"{base}/title/{movie_id}/",
            )
        )
    return titles, next_link(tree), bool(page.css(".ipc-see-more__button"))


def next_link(tree: lxml.html.HtmlElement) -> str | None:
    """The link to the next page of a list or of reviews, which may be relative."""
    page = Selector(root=tree)
    link = page.css("link[rel~=next], a[rel~=next], a.lister-page-next, a.next-page")
    if href := link.attrib.get("href"):
        return href
    more = page.css(".load-more-data")
    key, place = more.attrib.get("data-key"), more.attrib.get("data-ajaxurl")
    if not key or not place:
        return None
    return f"{place}{'&' if '?' in place else '?'}paginationKey={key}"


def read_reviews(
    tree: lxml.html.HtmlElement, base: str, movie_id: str
) -> tuple[list[ReviewItem], str | None] | None:
    """All reviews of a page, also those without text, and the link to the next page."""
    page = Selector(root=tree)
    nodes = page.css(_REVIEWS)
    if not nodes and not page.css(_NO_REVIEWS):
        return None
    # The older markup has two nested elements for each review.
    outer = [node for node in nodes if not node.xpath("ancestor::*[@data-review-id]")]
    return [_review(node, base, movie_id) for node in outer], next_link(tree)


def read_movie(tree: lxml.html.HtmlElement, base: str, movie_id: str) -> MovieItem | None:
    """The movie of a title page: its title, and its year if the page has it."""
    page = Selector(root=tree)
    name = _line(
        page.css("h1[data-testid=hero__pageTitle], .subpage_title_block h3, .title_wrapper h1")
    )
    for title in (page.css("meta[property='og:title']::attr(content)").get(), name):
        match = _NAME_AND_YEAR.match((title or "")[:_MOST_CHARS])
        if match is not None:
            name, year = match["name"], int(match["year"])
            break
    else:
        year = None
    if name is None:
        return None
    return MovieItem(movie_id=movie_id, title=name, year=year, url=f"{base}/title/{movie_id}/")


def is_another_kind(tree: lxml.html.HtmlElement) -> bool:
    """Whether a title page is about something other than a movie: a series, an episode, a game."""
    kind = Selector(root=tree).css("meta[property='og:type']::attr(content)").get()
    return kind is not None and kind.startswith("video.") and kind != "video.movie"


def _review(node: Selector, base: str, movie_id: str) -> ReviewItem:
    links = node.css("a[href*='/review/rw']::attr(href)").getall()
    review_id = next(
        (
            match[1] or match[2]
            for candidate in (node.attrib.get("data-review-id", ""), *links)
            if (match := _REVIEW.search(candidate))
        ),
        None,
    )
    text = node.css(".ipc-html-content-inner-div, .content .text, .text.show-more__control")
    return ReviewItem(
        movie_id=movie_id,
        text=_inner(text[0].root) if text else "",
        external_id=review_id,
        rating=_rating(
            _line(
                node.css(
                    ".ipc-rating-star--rating, .rating-other-user-rating span:not(.point-scale)"
                )
            )
        ),
        title=_line(node.css("[data-testid=review-summary], .ipc-title__text, a.title")),
        author=_line(node.css("a[data-testid=author-link], .display-name-link")),
        published=_day(_line(node.css(".review-date"))),
        url=urljoin(f"{base}/", f"review/{review_id}/") if review_id else None,
        spoiler=bool(node.css(".spoiler-warning, [data-testid*=spoiler]")),
    )


def _line(nodes: Iterable[Selector]) -> str | None:
    """The text of the first element, as one line."""
    for node in nodes:
        return " ".join("".join(node.xpath(".//text()").getall()).split()) or None
    return None


def _inner(element: lxml.html.HtmlElement) -> str:
    """The markup of an element, which ``cleaning`` turns into text."""
    markup: str = lxml.html.tostring(element, encoding="unicode", with_tail=False)
    return markup


def _rating(text: str | None) -> float | None:
    match = _DIGITS.search(text or "")
    try:
        value = float(match.group().replace(",", ".")) if match else -1.0
    except ValueError:
        return None
    return value if 0 <= value <= 10 else None


def _votes(text: str | None) -> int | None:
    """The number in ``(2.9M)``, ``15K`` or ``2,914,012``."""
    match = _VOTES.search(text or "")
    if match is None:
        return None
    number, unit = match.groups()
    factor = {"K": 1_000, "M": 1_000_000}.get(unit, 0)
    try:
        return round(float(number) * factor) if factor else int(re.sub(r"[.,]", "", number))
    except ValueError:
        return None


def _day(text: str | None) -> str | None:
    """``15 February 2012`` or ``Feb 15, 2012`` as an ISO date."""
    text = (text or "")[:_MOST_CHARS]
    if match := _DAY_FIRST.search(text):
        day, month, year = match.groups()
    elif match := _MONTH_FIRST.search(text):
        month, day, year = match.groups()
    else:
        return None
    try:
        return date(int(year), _MONTHS.index(month.lower()) + 1, int(day)).isoformat()
    except ValueError:
        return None
