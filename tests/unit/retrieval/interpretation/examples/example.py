"""A typed text and the parts that it has in the catalogue of ``catalogue.py``."""

from __future__ import annotations

from typing import Any, NamedTuple

from shared.retrieval.filters import MovieFilter
from shared.retrieval.interpretation.parts import Interpretation
from tests.unit.retrieval.interpretation.catalogue import ROWS


class Example(NamedTuple):
    """A text and its interpretation."""

    text: str
    expected: Interpretation


def understood(
    text: str,
    *,
    rest: str | None = None,
    avoid: str | None = None,
    like: tuple[str, ...] = (),
    titles: tuple[str, ...] = (),
    **filters: Any,
) -> Example:
    """An example; without ``rest``, a title stays in the text and anything else is used up."""
    remaining = rest if rest is not None else (text if titles else "")
    return Example(
        text,
        Interpretation(
            text=remaining,
            filters=MovieFilter(**filters),
            avoid=avoid,
            like=tuple(ROWS[title] for title in like),
            titles=tuple(ROWS[title] for title in titles),
        ),
    )
