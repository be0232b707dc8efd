"""Reads values of schema.org properties: plain, wrapped, repeated, or nodes with a name. Pure.

A value may be a string, a number, an object with ``@value`` and ``@language``, a node with a
``name``, or a list (``@list``, ``@set``) of any of these, in several languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from services.ingest.pages.values.days import day, year
from services.ingest.pages.values.numbers import count, minutes, truth
from services.ingest.pages.values.ratings import rating
from services.ingest.pages.values.texts import ValueUnread

_T = TypeVar("_T")

_NUMBER = re.compile(r"-?\d{1,12}(?:[.,]\d{1,12})?")
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$")
_SPOILER_SAID = re.compile(
    r"\W*(?:"
    r"(?:this|my)\s+(?:review|comment)\s+(?:may\s+|might\s+|will\s+)?contains?\s+(?:\w+\s+)?spoilers?\b"
    r"|(?:may\s+|might\s+)?contains?\s+(?:\w+\s+)?spoilers?\b"
    r"|(?:warning|caution|beware|attention)\W+(?:\w+\s+){0,3}spoilers?\b"
    r"|(?:\w+\s+)?spoilers?\s+(?:alert|ahead|warning|below|follow|within|inside)\b"
    r"|[\[(*{<_]+\s*spoilers?\s*[\])*}>_:!.]+"
    r"|spoilers?\s*[:!]"
    r")",
    re.IGNORECASE,
)
_WARNING_CHARS = 200  # a warning stands at the beginning
_DENIED = re.compile(r"\W*(?:no|not|non|without|zero)\b", re.IGNORECASE)


def types_of(node: Mapping[str, Any]) -> set[str]:
    """The names of a node's types, without prefixes, in lower case."""
    return {
        re.split(r"[/#:]", name.strip().rstrip("/#"))[-1].lower()
        for name in values_of(node.get("@type"))
        if isinstance(name, str)
    }


def values_of(value: Any) -> list[Any]:
    """The values of a property, which may have none, one or several."""
    if value is None:
        return []
    if isinstance(value, dict):
        for wrapper in ("@list", "@set"):
            inner = value.get(wrapper)
            if isinstance(inner, list):
                return inner
    return value if isinstance(value, list) else [value]


def text_of(value: Any, language: str | None = None) -> str | None:
    """The text of a value.

    Args:
        value: The value of a property.
        language: The preferred language, if the value has texts in several.

    Returns:
        The first text in the preferred language, or else the first text; None when there is none.
    """
    return spoken_text_of(value, language)[0]


def spoken_text_of(value: Any, language: str | None = None) -> tuple[str | None, str | None]:
    """Like ``text_of``, with the language that the value itself declares, if any."""
    texts = [spoken for part in values_of(value) if (spoken := _spoken_text(part)) is not None]
    if not texts:
        return None, None
    preferred = (language or "").lower().replace("_", "-").split("-")[0]
    for spoken in texts:
        declared = (spoken[1] or "").lower().replace("_", "-").split("-")[0]
        if preferred and declared == preferred:
            return spoken
    return texts[0]


def texts_of(value: Any) -> list[str]:
    """All texts of a value."""
    return [text[0] for part in values_of(value) if (text := _spoken_text(part)) is not None]


def names_of(value: Any) -> list[str]:
    """The names of people and other things; a mere reference to a node has none."""
    return texts_of([part for part in values_of(value) if not _is_reference(part)])


def paragraphs_of(value: Any, language: str | None = None) -> tuple[str | None, str | None]:
    """A long text, and the language that it declares itself.

    Several values are its paragraphs, unless they declare different languages: then they are
    translations, of which one is chosen as ``text_of`` does.

    Args:
        value: The value of a property.
        language: The preferred language.
    """
    spoken = [found for part in values_of(value) if (found := _spoken_text(part)) is not None]
    if len({declared for _, declared in spoken}) != 1:
        return spoken_text_of(value, language)
    return "\n\n".join(dict.fromkeys(text for text, _ in spoken)), spoken[0][1]


def language_of(value: Any) -> str | None:
    """A language: its code, or else its name."""
    for part in values_of(value):
        if isinstance(part, dict):
            for key in ("alternateName", "name"):
                text = text_of(part.get(key))
                if text is not None and (key == "name" or _CODE.match(text)):
                    return text
        text = text_of(part)
        if text is not None:
            return text
    return None


def rating_of(value: Any) -> float | None:
    """A rating on a scale of 0 to 10: a ``Rating``, or a number or text alone.

    Without ``bestRating`` it is of 5, of 10 or of 100: schema.org's default is 5, but people write
    ``8``, too.

    Raises:
        ValueUnread: there are ratings, and none can be read.
    """
    unread: ValueUnread | None = None
    for part in values_of(value):
        node = part if isinstance(part, dict) and "@value" not in part else {"ratingValue": part}
        points = _single(node.get("ratingValue"))
        if points is None:
            continue
        best, worst = _bound(node.get("bestRating")), _bound(node.get("worstRating"))
        try:
            found = rating(points, best=best, worst=worst or 0.0)
        except ValueUnread as error:
            unread = unread or error
            continue
        if found is not None:
            return found
    if unread is not None:
        raise unread
    return None


def votes_of(value: Any) -> int | None:
    """How many votes an aggregate rating counts.

    Raises:
        ValueUnread: it does not say so in a number.
    """
    for part in values_of(value):
        votes = _single(part.get("ratingCount")) if isinstance(part, dict) else None
        if votes is not None:
            return count(votes)
    return None


def minutes_of(value: Any) -> int | None:
    """A running time in whole minutes: an ISO 8601 duration, or a number with its unit.

    Raises:
        ValueUnread: there are texts, and none is a running time.
    """
    return _first_read(minutes, texts_of(value))


def day_of(value: Any) -> str | None:
    """A day as ``YYYY-MM-DD``.

    Raises:
        ValueUnread: there are texts, and none is a day.
    """
    return _first_read(day, texts_of(value))


def year_of(value: Any) -> int | None:
    """The year of a day, or a year.

    Raises:
        ValueUnread: there are texts, and none has the year of a movie.
    """
    return _first_read(year, texts_of(value))


def link_of(value: Any) -> str | None:
    """The first link of a value: a string, or the address of an ``ImageObject``."""
    for part in values_of(value):
        if isinstance(part, str) and part.strip():
            return part.strip()
        if isinstance(part, dict):
            for key in ("contentUrl", "url", "@id"):
                link = text_of(part.get(key))
                if link is not None:
                    return link
    return None


def truth_of(value: Any) -> bool | None:
    """A boolean, which may also be a word, or schema.org's ``https://schema.org/True``.

    Raises:
        ValueUnread: there are values, and none is a yes or a no.
    """
    values = values_of(value)
    said = [part for part in values if isinstance(part, bool)] or texts_of(values)
    return _first_read(truth, said)


def says_spoiler(text: str) -> bool:
    """Whether a text begins with a spoiler warning."""
    beginning = text[:_WARNING_CHARS]
    return bool(_SPOILER_SAID.match(beginning)) and not _DENIED.match(beginning)


def _spoken_text(value: Any) -> tuple[str, str | None] | None:
    """A text and its declared language; None when the value has no text."""
    if isinstance(value, str):
        return (text, None) if (text := value.strip()) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value), None
    if not isinstance(value, dict):
        return None
    for key in ("@value", "name", "value", "@id"):
        for part in values_of(value.get(key)):
            # The name of a node may declare a language itself; deeper values are ignored.
            declaring = part if isinstance(part, dict) else value
            inner = part.get("@value") if isinstance(part, dict) else part
            spoken = None if isinstance(inner, (dict, list)) else _spoken_text(inner)
            if spoken is not None:
                language = declaring.get("@language")
                return spoken[0], language if isinstance(language, str) else None
    return None


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and "@id" in value and set(value) <= {"@id", "@type"}


def _single(value: Any) -> Any:
    """The first value that is no node: a number, or a text."""
    for part in values_of(value):
        if isinstance(part, (int, float)):
            return part
        text = text_of(part)
        if text is not None:
            return text
    return None


def _bound(value: Any) -> float | None:
    """The best or worst rating of a scale, such as ``10`` or ``10 stars``."""
    match = _NUMBER.search(text_of(value) or "")
    return float(match.group().replace(",", ".")) if match else None


def _first_read(read: Callable[[Any], _T | None], values: Sequence[Any]) -> _T | None:
    """The first of several values that can be read.

    Raises:
        ValueUnread: none of them can.
    """
    unread: ValueUnread | None = None
    for value in values:
        try:
            found = read(value)
        except ValueUnread as error:
            unread = unread or error
            continue
        if found is not None:
            return found
    if unread is not None:
        raise unread
    return None
