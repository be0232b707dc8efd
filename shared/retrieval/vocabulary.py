"""The words that viewers use, to correct slips by: taken from a sample, so that loading stays fast.

The lexical index knows how many movies have a term, but not the words behind the terms; a sample of
the reviews has all words that several movies share.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from shared.snapshot.reader import Snapshot
from shared.text.language_terms import lowered
from shared.text.languages import ENGLISH
from shared.text.terms import fold

MOST_REVIEWS = 2_000
MOST_CHARS = 1_200  # of each
_WORD = re.compile(r"[^\W\d_]{2,30}")
_CAPITALISED = re.compile(r"(?<![^\W_])[A-Z][^\W\d_]{1,29}")
_WITHIN_SENTENCE = re.compile(r"(?<=[a-z,] )[A-Z][^\W\d_]{1,29}")
_MOST_IN_LOWER_CASE = 0.5  # of the times that a name has a capital letter
_ALL_NOUNS_CAPITALISED = "de"


class Vocabulary(NamedTuple):
    """The words of a sample of reviews.

    Attributes:
        movies: The number of movies of each word. English words are folded, others keep the accents
            by which they are stemmed. Words with the same term have the same number.
        names: Folded words that viewers write with a capital letter within a sentence, as names
            are. German has none, because all its nouns are written so.
    """

    movies: dict[str, int]
    names: frozenset[str]


def vocabulary(snapshot: Snapshot) -> Vocabulary:
    """The words of a sample of a snapshot's reviews."""
    language = snapshot.manifest.language
    said: Counter[str] = Counter()
    capitalised: Counter[str] = Counter()
    within: set[str] = set()
    for text in snapshot.catalogue.sampled_reviews(MOST_REVIEWS, MOST_CHARS):
        lower = fold(text) if language == ENGLISH else lowered(text, language)
        said.update(_WORD.findall(lower))
        capitalised.update(_CAPITALISED.findall(text))
        within.update(_WITHIN_SENTENCE.findall(text))
    movies = snapshot.lexical.document_counts()
    names = {
        folded
        for word in within
        if said[folded := fold(word)] <= capitalised[word] * (1 + _MOST_IN_LOWER_CASE)
    }
    return Vocabulary(
        movies={
            word: max((movies.get(term, 0) for term in snapshot.terms(word)), default=0)
            for word in said
        },
        names=frozenset(names) if language != _ALL_NOUNS_CAPITALISED else frozenset(),
    )
