"""Reads the data of IMDb's pages: the JSON in ``script#__NEXT_DATA__``, as of 2023 to 2025.

Paths below ``props.pageProps``::

    searchResults.titleResults.{titleListItems[], total}     a list of titles
    contentData.reviews[].review                             a page of reviews
    contentData.data.title.reviews.{edges[].node, pageInfo}  the same, as IMDb's interface sends it
    aboveTheFoldData, mainColumnData                         a title page

Every reader accepts any JSON, and returns None when its path does not exist.
"""

from __future__ import annotations

import json
import math
from typing import Any

import lxml.html

from services.ingest.pages.identifiers import imdb_movie_id
from services.ingest.pages.imdb.content import ListedTitle
from services.ingest.pages.items import MovieItem, ReviewItem
from shared.record import MAX_RUNTIME_MINUTES, MAX_VOTES

_MOVIE_KINDS = {"movie", "tvMovie", "short", "tvShort", "tvSpecial", "video"}
_WRAPPED = ("text", "plainText", "plaidHtml", "originalText", "plotText")


def page_props(tree: lxml.html.HtmlElement) -> dict[str, Any] | None:
    """The data of a page; None when it has none, or none that can be read."""
    for script in tree.xpath('//script[@id="__NEXT_DATA__"]'):
        try:
            props = _at(json.loads(script.text or ""), "props", "pageProps")
        except (ValueError, RecursionError):
            continue
        if isinstance(props, dict):
            return props
    return None


def read_titles(
    props: dict[str, Any], base: str
) -> tuple[list[ListedTitle], int, int | None] | None:
    """The movies of a list, the number of its entries, and the number of results of the search."""
    results = _at(props, "searchResults", "titleResults")
    items = _at(results, "titleListItems")
    if not isinstance(items, list):
        return None
    titles = []
    for item in items:
        movie_id = imdb_movie_id(_text(_at(item, "titleId")))
        kind = _at(item, "titleType", "id")
        if movie_id is None or kind not in {"movie", None}:
            continue
        titles.append(
            ListedTitle(
                movie_id=movie_id,
                title=_text(_at(item, "titleText")),
                rating=_number(_at(item, "ratingSummary", "aggregateRating")),
                votes=_whole(_at(item, "ratingSummary", "voteCount")),
                url=f"{base}/title/{movie_id}/",
            )
        )
    return titles, len(items), _whole(_at(results, "total"))


def read_reviews(
    props: dict[str, Any], base: str, movie_id: str
) -> tuple[list[ReviewItem], str | None] | None:
    """All reviews of a page, also those without text, and the cursor of the next page."""
    content = _at(props, "contentData")
    connection = _at(content, "data", "title", "reviews")
    nodes = _at(content, "reviews")
    if isinstance(nodes, list):
        nodes = [_at(node, "review") or node for node in nodes]
    elif isinstance(_at(connection, "edges"), list):
        nodes = _nodes(connection)
    else:
        return None
    reviews = [_review(node, base, movie_id) for node in nodes if isinstance(node, dict)]
    for page_info in (_at(content, "pageInfo"), _at(connection, "pageInfo")):
        cursor = _text(_at(page_info, "endCursor"))
        if cursor is not None and _at(page_info, "hasNextPage") is True:
            return reviews, cursor
    return reviews, None


def read_movie(props: dict[str, Any], base: str, movie_id: str) -> MovieItem | None:
    """The movie of a title page."""
    return _movie(
        _at(props, "aboveTheFoldData"), base, movie_id, details=_at(props, "mainColumnData")
    )


def is_another_kind(props: dict[str, Any]) -> bool:
    """Whether a title page is about something other than a movie: a series, an episode, a game."""
    kind = _at(props, "aboveTheFoldData", "titleType", "id")
    return isinstance(kind, str) and kind not in _MOVIE_KINDS


def _review(node: dict[str, Any], base: str, movie_id: str) -> ReviewItem:
    review_id = _text(node.get("reviewId")) or _text(node.get("id"))
    author = node.get("author")
    spoiler = node.get("spoiler", node.get("isSpoiler"))
    return ReviewItem(
        movie_id=movie_id,
        text=_text(node.get("reviewText")) or _text(node.get("text")) or "",
        external_id=review_id,
        rating=_number(node.get("authorRating")),
        title=_text(node.get("reviewSummary")) or _text(node.get("summary")),
        author=_text(_at(author, "username")) or _text(_at(author, "nickName")),
        published=_text(node.get("submissionDate")),
        url=f"{base}/review/{review_id}/" if review_id else None,
        spoiler=spoiler if isinstance(spoiler, bool) else None,
    )


def _movie(data: Any, base: str, movie_id: str, *, details: Any = None) -> MovieItem | None:
    title = _text(_at(data, "titleText"))
    if title is None:
        return None
    credits_of = _at(data, "directorsPageTitle", 0, "credits") or _at(
        data, "principalCredits", 0, "credits"
    )
    return MovieItem(
        movie_id=movie_id,
        title=title,
        year=_whole(_at(data, "releaseYear", "year")),
        genres=_texts(_at(data, "genres", "genres")),
        directors=_texts(
            [_at(credit, "name", "nameText") for credit in credits_of]
            if isinstance(credits_of, list)
            else []
        ),
        description=_text(_at(data, "plot")),
        rating=_number(_at(data, "ratingsSummary", "aggregateRating")),
        url=f"{base}/title/{movie_id}/",
        original_title=_text(_at(data, "originalTitleText")),
        people=_texts(
            [_at(node, "name", "nameText") for node in _nodes(_at(data, "castPageTitle"))]
        ),
        countries=_texts(
            _at(details, "countriesDetails", "countries")
            or _at(data, "countriesOfOrigin", "countries")
        ),
        languages=_texts(_at(details, "spokenLanguages", "spokenLanguages")),
        keywords=_texts(_nodes(_at(data, "keywords"))),
        runtime_minutes=_minutes(_at(data, "runtime", "seconds")),
        votes=_votes(_at(data, "ratingsSummary", "voteCount")),
        poster_url=_text(_at(data, "primaryImage", "url")),
    )


def _nodes(connection: Any) -> list[Any]:
    """The nodes of ``{"edges": [{"node": ...}]}``."""
    edges = _at(connection, "edges")
    return [_at(edge, "node") for edge in edges] if isinstance(edges, list) else []


def _votes(count: Any) -> int | None:
    number = _whole(count)
    return number if number is not None and 0 <= number <= MAX_VOTES else None


def _minutes(seconds: Any) -> int | None:
    number = _whole(seconds)
    minutes = round(number / 60) if number is not None else 0
    return minutes if 0 < minutes <= MAX_RUNTIME_MINUTES else None


def _at(value: Any, *path: str | int) -> Any:
    """The value at ``path``, or None."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _text(value: Any) -> str | None:
    """The text of a value that may be wrapped: ``{"originalText": {"plaidHtml": "..."}}``."""
    for _ in range(4):
        if isinstance(value, str):
            return value.strip() or None
        value = next((inner for key in _WRAPPED if (inner := _at(value, key)) is not None), None)
    return None


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(text for value in values if (text := _text(value)) is not None)


def _number(value: Any) -> float | None:
    """A rating from 0 to 10."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= 10 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
