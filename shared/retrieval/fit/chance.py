"""What scores mean in a snapshot: those of texts and movies that have nothing in common.

They differ between catalogues: where all reviews are written alike, every text is near every movie.
So they are measured in each snapshot when it is opened, with passages of some movies as texts for
other movies. Nothing is stored, so that snapshots of every version have them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.retrieval.fit.repetition import missed_in
from shared.retrieval.query import Rows, Vector
from shared.retrieval.ranking.scoring import Scores, top_mean
from shared.snapshot.reader import Snapshot

TEXTS = 64
MOVIES = 128
TYPICAL_PAIRS = 500
"""The typical catalogue counts as many pairs, so that few movies say little by themselves."""
_LEAST_DEVIATION = 0.01


@dataclass(frozen=True, slots=True)
class Spread:
    """The mean and the standard deviation of a score."""

    mean: float
    deviation: float

    def above(self, scores: npt.NDArray[np.floating]) -> Scores:
        """How many deviations scores are above the mean; 0 for a score that is not known."""
        result: Scores = (np.asarray(scores, np.float64) - self.mean) / self.deviation
        result[np.isnan(result)] = 0.0
        return result


@dataclass(frozen=True, slots=True)
class Chance:
    """Scores of pairs that were drawn without regard to what they say.

    Attributes:
        passages: Means of the best passages of a movie, for a text.
        pooled: Cosines of a movie's pooled vector with a text.
        movies: Cosines of the pooled vectors of two movies.
        missed: The share of a passage's words that the rest of its own movie lacks, above 0 and
            below 1 (``repetition``).
    """

    passages: Spread
    pooled: Spread
    movies: Spread
    missed: float


def chance_in(snapshot: Snapshot, typical: Chance) -> Chance:
    """Measure the scores of pairs that are drawn from a snapshot; the same for every call.

    Args:
        snapshot: The open snapshot.
        typical: The scores in a typical catalogue, to which those of small ones are drawn.
    """
    reviewed = np.flatnonzero(snapshot.passage_ranges[:, 1])
    sources, movies = _spaced(reviewed, TEXTS), _spaced(reviewed, MOVIES)
    vectors = snapshot.index.vectors()
    chosen = vectors[movies]
    passages: list[Scores] = []
    pooled: list[npt.NDArray[np.float32]] = []
    for source in sources.tolist():
        text = _middle_passage(snapshot, source)
        if text is not None:
            others = movies != source
            pooled.append(chosen[others] @ text)
            passages.append(top_mean(snapshot.passages.scores(movies[others], text)))
    between = (chosen @ chosen.T)[np.triu_indices(len(chosen), 1)]
    return Chance(
        passages=_spread(passages, typical.passages),
        pooled=_spread(pooled, typical.pooled),
        movies=_spread([between], typical.movies),
        missed=missed_in(snapshot, sources, typical.missed),
    )


def _spaced(rows: Rows, most: int) -> Rows:
    """Some of the rows, at equal distances."""
    if not len(rows):
        return rows
    places = np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)
    return rows[np.unique(places)]


def _middle_passage(snapshot: Snapshot, row: int) -> Vector | None:
    """The unit vector of a movie's middle passage; None if it has no direction."""
    vectors = snapshot.passages.vectors(row)
    vector = vectors[len(vectors) // 2].astype(np.float32)
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm > 0 else None


def _spread(samples: list[Scores] | list[npt.NDArray[np.float32]], typical: Spread) -> Spread:
    values = np.concatenate([*samples, np.empty(0)]).astype(np.float64)
    if not len(values):
        return typical
    share = len(values) / (len(values) + TYPICAL_PAIRS)
    mean = share * float(values.mean()) + (1 - share) * typical.mean
    deviation = share * float(values.std()) + (1 - share) * typical.deviation
    return Spread(mean, max(deviation, _LEAST_DEVIATION))
