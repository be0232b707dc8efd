"""Turns nodes of schema.org markup into items: reads the properties of movies and reviews. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.identifiers import canonical_url, imdb_movie_id, movie_id
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.page_head import PageHead
from services.ingest.pages.schema_org.json_ld import Node
from services.ingest.pages.schema_org.schema_values import (
    day_of,
    language_of,
    link_of,
    minutes_of,
    names_of,
    paragraphs_of,
    rating_of,
    says_spoiler,
    text_of,
    texts_of,
    truth_of,
    types_of,
    values_of,
    votes_of,
    year_of,
)
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import ValueUnread

_T = TypeVar("_T")
_REVIEW_TEXT = ("reviewBody", "text", "description")
_REVIEW_NOTES = ("positiveNotes", "negativeNotes")
_SPOILER_KEYS = ("spoiler", "isSpoiler", "hasSpoilers", "containsSpoilers", "containsSpoiler")


class NodeItems:
    """Reads the nodes of one page.

    Args:
        url: The URL of the page.
        source: The name of the source, for the ids of movies without an IMDb id.
        head: What the page says about itself; texts in its language are preferred.

    Attributes:
        unread: The values that could not be read.
    """

    def __init__(self, url: str, source: str, head: PageHead) -> None:
        self._url = url
        self._source = source
        self._head = head
        self._language = head.language
        self.unread: list[Unread] = []
        self._seen: set[Unread] = set()

    def to_review(self, node: Node, movie: str, *, is_shared: bool = False) -> ReviewItem | None:
        """A review, from its node with the nodes that it refers to; None when it has no text.

        Args:
            node: The node.
            movie: The id of the movie.
            is_shared: Whether the review is of another movie, too: then its id says which.
        """
        text, text_language, plain = self._text_of_review(node)
        if text is None:
            return None
        url = self.absolute(text_of(node.get("url")))
        external_id = next(iter(_identifiers(node)), url if is_shared else None)
        if external_id is not None and movie not in external_id:
            # Many sites number the reviews of each movie; the movie's id makes the number unique.
            external_id = f"{movie}:{external_id}"
        title = text_of(node.get("name"), self._language) or text_of(node.get("headline"))
        return ReviewItem(
            movie_id=movie,
            text=text,
            external_id=external_id,
            rating=self._read("reviewRating", rating_of, node.get("reviewRating")),
            title=title,
            author=_first(names_of(node.get("author")) or names_of(node.get("creator"))),
            published=self._read("datePublished", day_of, node.get("datePublished"))
            or self._read("dateCreated", day_of, node.get("dateCreated")),
            url=url,
            language=language_of(node.get("inLanguage")) or text_language,
            spoiler=self._read("spoiler", lambda marked: _spoiler(marked, plain, title), node),
        )

    def to_movie(self, node: Node) -> MovieItem:
        """A movie, from its node with the nodes that it refers to."""
        url = self._address_of(node)
        years = (
            self._read(key, year_of, node.get(key))
            for key in ("datePublished", "dateCreated", "copyrightYear")
        )
        return MovieItem(
            movie_id=imdb_id_of(node) or imdb_movie_id(url) or movie_id(self._source, url),
            title=text_of(node.get("name"), self._language),
            year=next((year for year in years if year is not None), None),
            genres=_listed(node.get("genre")),
            directors=tuple(names_of(node.get("director"))),
            description=paragraphs_of(node.get("description"), self._language)[0],
            rating=self._read("aggregateRating", rating_of, node.get("aggregateRating")),
            url=url,
            original_title=text_of(node.get("originalTitle")),
            people=tuple(names_of(node.get("actor")) or names_of(node.get("actors"))),
            countries=tuple(names_of(node.get("countryOfOrigin"))),
            languages=tuple(texts_of(node.get("inLanguage"))),
            keywords=_listed(node.get("keywords")),
            runtime_minutes=self._read("duration", minutes_of, node.get("duration")),
            votes=self._read("ratingCount", votes_of, node.get("aggregateRating")),
            poster_url=self.absolute(link_of(node.get("image"))),
        )

    def own_address(self, node: Node) -> str | None:
        """A movie's ``url``, or else its ``@id``; not the home page, which many movies share."""
        here = urlsplit(self._url)
        is_here_home = not here.path.strip("/") and not here.query
        for name in (text_of(node.get("url")), text_of(node.get("@id"))):
            address = self.absolute(name)
            if address is None or not address.startswith(("http://", "https://")):
                continue
            there = urlsplit(address)
            if is_here_home or there.path.strip("/") or there.query:
                return address
        return None

    def absolute(self, link: str | None) -> str | None:
        """A link of the page as an absolute address; None when it is none."""
        try:
            return urljoin(self._head.base, link.replace("&amp;", "&")) if link else None
        except ValueError:
            return None

    def _text_of_review(self, node: Node) -> tuple[str | None, str | None, str]:
        """The text, the language that it declares, and the text without markup."""
        for key in _REVIEW_TEXT:
            text, language = paragraphs_of(node.get(key), self._language)
            plain = clean_text(text or "")
            if plain:
                return text, language, plain
        notes = [note for key in _REVIEW_NOTES for note in _notes(node.get(key))]
        text = "\n\n".join(notes)
        plain = clean_text(text)
        return (text, None, plain) if plain else (None, None, "")

    def _address_of(self, node: Node) -> str:
        """The address by which a movie is known: its own, or that of the page."""
        return canonical_url(self.own_address(node) or self._head.address)

    def _read(self, name: str, read: Callable[[Any], _T | None], value: Any) -> _T | None:
        """A value, or None after listing it as unread."""
        try:
            return read(value)
        except ValueUnread as error:
            unread = Unread("value", f"{self._url} {name}", error.why, error.excerpt)
            if unread not in self._seen:
                self._seen.add(unread)
                self.unread.append(unread)
            return None


def is_movie(node: Node) -> bool:
    """Whether a node is a movie, or any work that is a title of IMDb's."""
    types = types_of(node)
    return "movie" in types or ("creativework" in types and imdb_id_of(node) is not None)


def _first(values: list[str]) -> str | None:
    return values[0] if values else None


def _notes(value: Any) -> list[str]:
    """The texts of a list of notes: texts, or an ``ItemList`` of them."""
    found: list[str] = []
    for part in values_of(value):
        items = values_of(part.get("itemListElement")) if isinstance(part, dict) else []
        found += texts_of(items) if items else texts_of(part)
    return found


def _listed(value: Any) -> tuple[str, ...]:
    """The texts of a value; a text with commas counts as several."""
    return tuple(part.strip() for text in texts_of(value) for part in text.split(","))


def _identifiers(node: Node) -> list[str]:
    """The values of ``identifier``, which may be texts or ``PropertyValue`` nodes."""
    identifiers = []
    for part in values_of(node.get("identifier")):
        inner = part.get("value") if isinstance(part, dict) else None
        identifier = text_of(part) if inner is None else text_of(inner)
        if identifier is not None:
            identifiers.append(identifier)
    return identifiers


def imdb_id_of(node: Node) -> str | None:
    """The IMDb id of a movie, from its links and identifiers."""
    links = [name for key in ("sameAs", "@id", "url") for name in texts_of(node.get(key))]
    return imdb_movie_id(*links[:50], *_identifiers(node)[:50])


def _spoiler(node: Node, text: str, title: str | None) -> bool | None:
    """Whether a review is marked as a spoiler, or as none; None when it is not marked."""
    for key in _SPOILER_KEYS:
        is_spoiler = truth_of(node.get(key))
        if is_spoiler is not None:
            return is_spoiler
    words = [part for name in texts_of(node.get("keywords")) for part in re.split(r"[,;]", name)]
    is_tagged = any(word.strip().lower() in {"spoiler", "spoilers"} for word in words)
    return True if is_tagged or says_spoiler(text) or says_spoiler(title or "") else None
