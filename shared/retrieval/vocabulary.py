"""The words that viewers use, to correct slips by: taken from a sample, so that loading stays fast.

The lexical index knows how many movies have a term, but not the words behind the terms; a sample of
the reviews has all words that several movies share.
"""

from __future__ import annotations

import re

from shared.snapshot.reader import Snapshot
from shared.text.terms import fold

MOST_REVIEWS = 2_000
MOST_CHARS = 1_200  # of each
_WORD = re.compile(r"[^\W\d_]{2,30}")


def vocabulary(snapshot: Snapshot) -> dict[str, int]:
    """The folded words of a sample of a snapshot's reviews, with the number of movies of each.

    Words with the same term have the same number.
    """
    words: set[str] = set()
    for text in snapshot.catalogue.sampled_reviews(MOST_REVIEWS, MOST_CHARS):
        words.update(_WORD.findall(fold(text)))
    movies = snapshot.lexical.document_counts()
    return {
        word: max((movies.get(term, 0) for term in snapshot.terms(word)), default=0)
        for word in words
    }
