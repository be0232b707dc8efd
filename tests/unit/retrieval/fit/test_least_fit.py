"""Rankings for the least fit keep their order, and lose exactly what fits less."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.fit.least_fit import with_least_fit
from shared.retrieval.ranking.ranker import Ranking
from shared.retrieval.ranking.scoring import shown_cosine

FITS = st.lists(st.integers(0, 1000).map(lambda number: number / 1000), max_size=12)


@given(FITS, st.integers(0, 5), st.floats(0, 1))
def test_what_fits_less_is_left_out(fits: list[float], unjudged: int, least: float) -> None:
    rows = np.arange(len(fits) + unjudged)[::-1].copy()
    scores = np.linspace(1, 0, len(rows))
    lexical = scores[: len(rows) // 2]  # the last ones have none
    ranking = Ranking(rows, scores, len(rows), shown_cosine, lexical=lexical)
    left, left_fits = with_least_fit(ranking, np.array(fits, np.float64), least)
    places = [place for place, fit in enumerate(fits) if fit >= least]
    assert left.rows.tolist() == rows[places].tolist()
    assert left.scores.tolist() == scores[places].tolist()
    assert left_fits.tolist() == [fits[place] for place in places]
    assert left.matched == len(places)
    assert left.lexical is not None
    kept = [place for place in places if place < len(lexical)]
    assert left.lexical.tolist() == lexical[kept].tolist()
