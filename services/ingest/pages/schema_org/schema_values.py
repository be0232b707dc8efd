"""Values as schema.org's pages give them: plain, wrapped, repeated, or as things. Pure.

A value may be a string, a number, an object with ``@value`` and ``@language``, a thing with a
``name``, or a list (``@list``, ``@set``) of any of these in several languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
_DENIED = re.compile(r"\W*(?:no|not|non|without|zero)\b", re.IGNORECASE)


def types_of(node: Mapping[str, Any]) -> set[str]:
    """The names of a node's types, without what they are prefixed with."""
    return {
        re.split(r"[/#:]", name)[-1]
        for name in values_of(node.get("@type"))
        if isinstance(name, str)
    }


def values_of(value: Any) -> list[Any]:
    """The values of a property that may have none, one or several."""
    if value is None:
        return []
    if isinstance(value, dict):
        for wrapper in ("@list", "@set"):
            inner = value.get(wrapper)
            if isinstance(inner, list):
                return inner
    return value if isinstance(value, list) else [value]


def text_of(value: Any, language: str | None = None) -> str | None:
    """The first text of a value, one in ``language`` before all others."""
    return spoken_text_of(value, language)[0]


def spoken_text_of(value: Any, language: str | None = None) -> tuple[str | None, str | None]:
    """As ``text_of``, with the language that the value itself says it is in."""
    found = [one for part in values_of(value) if (one := _spoken(part)) is not None]
    if not found:
        return None, None
    wanted = (language or "").lower().replace("_", "-").split("-")[0]
    for one in found:
        if wanted and one[1] and one[1].lower().replace("_", "-").split("-")[0] == wanted:
            return one
    return found[0]


def texts_of(value: Any) -> list[str]:
    """All texts of a value."""
    return [one[0] for part in values_of(value) if (one := _spoken(part)) is not None]


def language_of(value: Any) -> str | None:
    """A language, by its code where there is one."""
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
    """A rating on a scale of 0 to 10. schema.org's scale ends at 5 where none is given."""
    for part in values_of(value):
        if not isinstance(part, dict):
            continue
        said = text_of(part.get("ratingValue"))
        given = _number(said)
        if given is None:
            continue
        best = _number(text_of(part.get("bestRating")))
        if best is None:
            # "8/10" and "8" without a scale: out of ten, as no scale of five has an eight.
            scale = _SCALE.search(said or "")
            best = float(scale.group(1)) if scale else 5.0 if given <= 5 else 10.0
        if best > 0 and 0 <= given <= best:
            return round(given * 10 / best, 2)
    return None


def truth_of(value: Any) -> bool | None:
    """A yes or no, also in words and as schema.org's ``https://schema.org/True``."""
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
    """Whether a text begins by saying that it tells the story's end."""
    return bool(_SPOILER_SAID.match(text)) and not _DENIED.match(text)


def _spoken(value: Any) -> tuple[str, str | None] | None:
    if isinstance(value, str):
        return (text, None) if (text := value.strip()) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value), None
    if not isinstance(value, dict):
        return None
    for key in ("@value", "name", "value", "@id"):
        for part in values_of(value.get(key)):
            # A name may be in a language of its own; deeper than that nothing is said.
            of_its_own = part if isinstance(part, dict) else value
            inner = part.get("@value") if isinstance(part, dict) else part
            found = None if isinstance(inner, (dict, list)) else _spoken(inner)
            if found is not None:
                language = of_its_own.get("@language")
                return found[0], language if isinstance(language, str) else None
    return None


def _number(text: str | None) -> float | None:
    match = _NUMBER.search(text or "")
    return float(match.group().replace(",", ".")) if match else None
