"""Rankings without the movies that fit less than a search wants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shared.retrieval.ranking.ranker import Ranking, Values
from shared.retrieval.ranking.scoring import Scores


def with_least_fit(ranking: Ranking, fits: Scores, least: float) -> tuple[Ranking, Scores]:
    """The movies of a ranking that fit well enough, in the same order, and their fits.

    Args:
        ranking: The ranking.
        fits: The fits of its first movies, shape ``(n,)``; those after them are left out.
        least: The least fit.
    """
    kept = np.zeros(len(ranking.rows), bool)
    kept[: len(fits)] = fits >= least
    fitting = replace(
        ranking,
        rows=ranking.rows[kept],
        scores=ranking.scores[kept],
        matched=int(kept.sum()),
        semantic=_kept(ranking.semantic, kept),
        passages=_kept(ranking.passages, kept),
        lexical=_kept(ranking.lexical, kept),
        avoided=_kept(ranking.avoided, kept),
    )
    return fitting, fits[kept[: len(fits)]]


def _kept(values: Values | None, kept: npt.NDArray[np.bool_]) -> Values | None:
    """The parts of the scores may be of the first movies only."""
    return None if values is None else values[kept[: len(values)]]
