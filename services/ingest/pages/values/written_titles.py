"""Parts the title, the year and the other title that data sets write into one text. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from services.ingest.pages.values.days import FIRST_YEAR

_ARTICLES: Final = (
    "The", "A", "An", "Le", "La", "Les", "L'", "Un", "Une", "Der", "Die", "Das", "Ein", "Eine",
    "El", "Los", "Las", "Il", "Lo", "Gli", "De", "Het", "Den", "Det",
)  # fmt: skip
_YEAR = re.compile(r"^(.+?)\s*\((\d{4})(?:\s*[-–]\s*(?:\d{4})?)?\)\s*$", re.DOTALL)
_OTHER = re.compile(r"^(.+?)\s*\((?:a\.?k\.?a\.?:?\s+)?([^()]+)\)\s*$", re.DOTALL)
_MOST_CHARS: Final = 1_000


class PartedTitle(NamedTuple):
    """A title and what stood beside it.

    Attributes:
        title: The title, with its article before it.
        year: The year that stood behind it in brackets.
        other: The title that stood behind it in brackets, such as the original one.
    """

    title: str
    year: int | None = None
    other: str | None = None


def parted_title(text: str) -> PartedTitle:
    """Part a title such as ``City of Lost Children, The (Cité des enfants perdus, La) (1995)``.

    A second title is parted only where a year stands behind it, because brackets belong to many
    titles.

    Example::

        parted_title("Matrix, The (1999)")  # PartedTitle("The Matrix", 1999, None)
    """
    text = text.strip()
    match = _YEAR.match(text) if len(text) <= _MOST_CHARS else None
    if match is None or int(match.group(2)) < FIRST_YEAR:
        return PartedTitle(_article_first(text))
    title, year = match.group(1), int(match.group(2))
    other = None
    while (bracketed := _OTHER.match(title)) is not None:
        title, other = bracketed.groups()
    return PartedTitle(_article_first(title), year, _article_first(other) if other else None)


def _article_first(title: str) -> str:
    """``Matrix, The`` as ``The Matrix``; any other title as it is."""
    name, comma, article = title.rpartition(", ")
    if not comma or not name or article not in _ARTICLES:
        return title
    return f"{article}{name}" if article.endswith("'") else f"{article} {name}"
