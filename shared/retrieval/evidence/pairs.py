"""Chooses the pair of passages that says what two movies have in common."""

from __future__ import annotations

from shared.retrieval.evidence.denial import denied_words, tokens_of
from shared.retrieval.evidence.families import family, is_content, plain
from shared.retrieval.evidence.polarity import is_low, is_pan
from shared.retrieval.query import Spoilers
from shared.retrieval.ranking import scoring
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot
from shared.text.languages import ENGLISH

PAIRS = (1, 12, 100)
"""How many pairs are looked at, most similar first, while none of those before agrees."""
LOW_RATING_COST = 0.1
"""What a pair loses of its cosine for each passage of a review with a low rating."""

SharedPassages = tuple[CataloguePassage, CataloguePassage, float]


def shared_evidence(
    snapshot: Snapshot,
    movie: CatalogueMovie,
    other: CatalogueMovie,
    *,
    spoilers: Spoilers = "hide",
) -> SharedPassages | None:
    """The most similar pair of passages that agree, one of each movie, with their cosine.

    Neither pans its movie, neither is of a review marked as a spoiler unless they are to be shown,
    and neither denies what the other one says. None when no such pair is among the most similar.
    """
    vectors = snapshot.passages.vectors(movie.row)
    other_vectors = snapshot.passages.vectors(other.row)
    if not len(vectors) or not len(other_vectors):
        return None
    cosines = vectors @ other_vectors.T
    flat = cosines.ravel()
    has_rules = snapshot.manifest.language == ENGLISH
    for most in PAIRS:
        nearest = [divmod(at, cosines.shape[1]) for at in scoring.best(flat, most)]
        rows = [
            row for n, m in nearest for row in (movie.passage_start + n, other.passage_start + m)
        ]
        passages = iter(snapshot.catalogue.passages(rows))
        agreeing = []
        for n, m in nearest:
            pair = next(passages), next(passages)
            if _may_be_shown(pair, spoilers) and (not has_rules or _agree(*pair)):
                agreeing.append((*pair, float(cosines[n, m])))
        if agreeing and (most > 1 or _cost(agreeing[0]) == 0):
            one, two, cosine = max(agreeing, key=lambda pair: pair[2] - _cost(pair))
            return one, two, scoring.shown_cosine(cosine)
    return None


def _cost(pair: SharedPassages) -> float:
    return LOW_RATING_COST * sum(is_low(passage.rating) for passage in pair[:2])


def _may_be_shown(pair: tuple[CataloguePassage, CataloguePassage], spoilers: Spoilers) -> bool:
    return spoilers == "show" or not any(passage.spoiler for passage in pair)


def _agree(one: CataloguePassage, other: CataloguePassage) -> bool:
    said, denied = _said_and_denied(one)
    other_said, other_denied = _said_and_denied(other)
    if not denied.isdisjoint(other_said) or not other_denied.isdisjoint(said):
        return False
    return not any(is_pan(plain(passage.text), passage.rating) for passage in (one, other))


def _said_and_denied(passage: CataloguePassage) -> tuple[set[str], set[str]]:
    """The families of the words that a passage says, and of those that it denies."""
    tokens = tokens_of(plain(passage.text))
    off = denied_words(tokens)
    said = {family(word) for at, word in enumerate(tokens) if at not in off and is_content(word)}
    return said, {family(tokens[at]) for at in off if is_content(tokens[at])} - said
