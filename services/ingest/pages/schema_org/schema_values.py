"""Reads values of schema.org properties: plain, wrapped, repeated, or nodes with a name. Pure.

A value may be a string, a number, an object with ``@value`` and ``@language``, a node with a
``name``, or a list (``@list``, ``@set``) of any of these, in several languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.record import MAX_RUNTIME_MINUTES

_NUMBER = re.compile(r"-?\d{1,12}(?:[.,]\d{1,12})?")
_SCALE = re.compile(r"/\s*(\d{1,6})")
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
_DURATION = re.compile(
    r"\s*(?:P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d{1,6})?S)?)?"
    r"|(\d{1,4})\s*min(?:utes?|\.)?)\s*$",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\W*(?:no|not|non|without|zero)\b", re.IGNORECASE)


def types_of(node: Mapping[str, Any]) -> set[str]:
    """The names of a node's types, without prefixes."""
    return {
        re.split(r"[/#:]", name)[-1]
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
    """A rating on a scale of 0 to 10. schema.org's default for the best rating is 5."""
    for part in values_of(value):
        if not isinstance(part, dict):
            continue
        text = text_of(part.get("ratingValue"))
        rating = _number(text)
        if rating is None:
            continue
        best = _number(text_of(part.get("bestRating")))
        if best is None:
            # "8/10", and "8" without a scale, are out of ten: no scale of five has an eight.
            scale = _SCALE.search(text or "")
            best = float(scale.group(1)) if scale else 5.0 if rating <= 5 else 10.0
        if best > 0 and 0 <= rating <= best:
            return round(rating * 10 / best, 2)
    return None


def votes_of(value: Any) -> int | None:
    """How many votes an aggregate rating counts."""
    for part in values_of(value):
        votes = _number(text_of(part.get("ratingCount"))) if isinstance(part, dict) else None
        if votes is not None and votes >= 0:
            return int(votes)
    return None


def minutes_of(value: Any) -> int | None:
    """A running time in whole minutes: an ISO 8601 duration, or a number with its unit."""
    for text in texts_of(value):
        match = _DURATION.match(text)
        if match is None:
            continue
        days, hours, minutes, seconds, plain = (float(part or 0) for part in match.groups())
        total = round(((days * 24 + hours) * 60 + minutes) + seconds / 60 + plain)
        if 0 < total <= MAX_RUNTIME_MINUTES:
            return total
    return None


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
    """A boolean, which may also be a word, or schema.org's ``https://schema.org/True``."""
    for part in values_of(value):
        if isinstance(part, bool):
            return part
        word = re.split(r"[/#:]", (text_of(part) or "").lower())[-1]
        if word in {"true", "yes", "1"}:
            return True
        if word in {"false", "no", "0"}:
            return False
    return None


def says_spoiler(text: str) -> bool:
    """Whether a text begins with a spoiler warning."""
    return bool(_SPOILER_SAID.match(text)) and not _DENIED.match(text)


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


def _number(text: str | None) -> float | None:
    match = _NUMBER.search(text or "")
    return float(match.group().replace(",", ".")) if match else None
