"""The description as evidence, where no viewer says what is asked.

Descriptions have no vectors, so words decide: a sentence is quoted that has at least two of the
asked words (or the only one), if none of the passages looked at has any of them.
"""

from __future__ import annotations

from shared.retrieval.evidence.asking import Asked
from shared.retrieval.evidence.families import plain
from shared.retrieval.evidence.marking import Marks, marks
from shared.retrieval.query import EvidencePassage
from shared.retrieval.ranking import scoring
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.text.passages import sentences

LEAST_SHARED = 2
MORE_PASSAGES = 8
"""How many passages are looked at before the description is quoted."""
_NO_MARKS: Marks = ()


def described(
    movie: CatalogueMovie, asked: Asked, *, said: int, is_reviewed: bool
) -> EvidencePassage | None:
    """The sentence of a movie's description that is evidence; None when there is none.

    Args:
        movie: The movie.
        asked: What the query asks for.
        said: The most asked words that a passage of its reviews has.
        is_reviewed: Whether any passage of its reviews may be shown.
    """
    if said or movie.description is None or not asked.families:
        return None
    least = min(LEAST_SHARED, len(asked.families)) if is_reviewed else 1
    whole = plain(movie.description)
    if asked.shared(asked.found_in(whole)) < least:
        return None  # the usual case
    best, most, marked = "", least - 1, _NO_MARKS
    for span in sentences(movie.description):
        text = movie.description[slice(*span)]
        folded = plain(text)
        found = asked.found_in(folded)
        shared = asked.shared(found)
        if shared > most and not asked.contradicted_by(folded, found):
            best, most, marked = text, shared, marks(text, asked, found)
    if not best:
        return None
    passage = CataloguePassage(-1, "", best, None, movie.url, None)
    score = round(most / len(asked.families), scoring.SCORE_DECIMALS)
    return EvidencePassage(passage, score, "description", marked)
