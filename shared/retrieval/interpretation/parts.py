"""What an interpretation consists of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.retrieval.filters import EVERYTHING, MovieFilter


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the text that the catalogue does not know, and the one that is searched instead."""

    written: str
    corrected: str


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The parts of a typed text.

    Example: "something like Amélie but sadder, 90s, no romance" becomes
    ``Interpretation(text="sadder", filters=MovieFilter(year=Range(1990, 1999),
    genres_none=("Romance",)), like=(row of Amélie,))``.

    Attributes:
        text: What remains to be searched by meaning and by words; may be empty.
        corrections: Words that were corrected; ``text`` has the corrected ones.
        filters: Constraints that the text states.
        avoid: What the text says the movie should not be about; None when it says nothing.
        like: Rows of movies that the result should be like, in the order of the text.
        titles: Rows of movies whose title the whole text is, exactly or nearly; best first.
    """

    text: str
    corrections: tuple[Correction, ...] = ()
    filters: MovieFilter = EVERYTHING
    avoid: str | None = None
    like: tuple[int, ...] = ()
    titles: tuple[int, ...] = ()
