"""Chooses the passages of a popular movie that a snapshot has, so that no search is slow for it.

A movie with thousands of reviews says the same many times. Of such a movie the passages are chosen
that cover what all of them say: each next one is farthest from those that were chosen before
(Gonzalez, *Clustering to minimize the maximum intercluster distance*, 1985), so that whatever a
query asks for, a passage near the nearest one is kept. They are chosen among the first passages of
reviews from all over the movie, as comparing all would take long. All reviews stay in the
catalogue, in the lexical index, and in the pooled vector. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.snapshot.writer import EncodedReview, passage_vectors

MOST_PASSAGES: Final = 400
"""Passages of a movie that a snapshot has at most."""
COMPARED: Final = 4
"""How many times as many are compared."""


def chosen_passages(
    reviews: Sequence[EncodedReview], most: int = MOST_PASSAGES
) -> list[EncodedReview]:
    """The reviews with the passages that were chosen; the same for every call.

    Args:
        reviews: The reviews of a movie, with all of their passages.
        most: How many passages may be kept.

    Returns:
        All reviews in their order; with all of their passages, or some, or none.
    """
    if sum(len(review.spans) for review in reviews) <= most:
        return list(reviews)
    candidates = _from_all_over(reviews, most * COMPARED)
    vectors = passage_vectors(reviews, reviews[0].vectors.shape[1])[candidates]
    kept = candidates[_covering(vectors.astype(np.float32), most)]
    is_kept = np.zeros(sum(len(review.spans) for review in reviews), bool)
    is_kept[kept] = True
    fewer = []
    first = 0
    for review in reviews:
        places = np.flatnonzero(is_kept[first : first + len(review.spans)])
        first += len(review.spans)
        spans = [review.spans[place] for place in places.tolist()]
        fewer.append(replace(review, spans=spans, vectors=review.vectors[places]))
    return fewer


def _from_all_over(reviews: Sequence[EncodedReview], most: int) -> npt.NDArray[np.int64]:
    """The numbers of the first passages of reviews all over the movie, ascending."""
    counts = np.array([len(review.spans) for review in reviews])
    starts = np.cumsum(counts) - counts
    spaced = np.linspace(0, len(reviews) - 1, min(len(reviews), most)).astype(np.int64)
    ranges = [range(starts[n], starts[n] + counts[n]) for n in np.unique(spaced).tolist()]
    in_turn = (number for turn in zip_longest(*ranges) for number in turn if number is not None)
    return np.sort(np.fromiter(islice(in_turn, most), np.int64))


def _covering(vectors: npt.NDArray[np.float32], most: int) -> npt.NDArray[np.int64]:
    """The places of ``most`` vectors that are far from each other, ascending."""
    nearest = vectors @ vectors.mean(axis=0)
    chosen = int(nearest.argmax())  # what most of them say
    kept = [chosen]
    nearest = vectors @ vectors[chosen]
    while len(kept) < min(most, len(vectors)):
        nearest[kept[-1]] = np.inf  # it is never chosen again
        chosen = int(nearest.argmin())
        kept.append(chosen)
        np.maximum(nearest, vectors @ vectors[chosen], out=nearest)
    return np.sort(np.array(kept, np.int64))
