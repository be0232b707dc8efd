"""The numbers of ``fit``: within 0 and 1, and never less for more of a signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.retrieval.fit.calibration import TextNumbers, log_odds, logistic, shipped
from shared.retrieval.fit.chance import Spread
from shared.retrieval.fit.signals import Signals

LESS_IS_MORE = {"missed"}
Value = st.floats(-20, 20)
SIGNALS = st.builds(Signals, *[Value.map(lambda value: np.array([value])) for _ in Signals._fields])


@given(SIGNALS)
def test_a_share_is_between_0_and_1(signals: Signals) -> None:
    [share] = shipped().text.shares(signals).tolist()
    assert 0 <= share <= 1


@given(SIGNALS, st.sampled_from(Signals._fields), st.floats(0, 10))
def test_more_of_a_signal_never_fits_less(signals: Signals, name: str, more: float) -> None:
    numbers = shipped().text
    sign = -1 if name in LESS_IS_MORE else 1
    raised = signals._replace(**{name: getattr(signals, name) + sign * more})
    assert numbers.shares(raised) >= numbers.shares(signals)


@given(Value, st.floats(0, 10))
def test_a_nearer_movie_never_is_less_like(above: float, more: float) -> None:
    like = shipped().like
    assert like.shares(np.array([above + more])) >= like.shares(np.array([above]))


@given(st.floats(-25, 25))
def test_log_odds_are_the_inverse_of_the_logistic_function(value: float) -> None:
    assert log_odds(logistic(np.array([value])))[0] == pytest.approx(value, abs=1e-3)


def test_a_negative_weight_is_refused() -> None:
    numbers = shipped().text.model_dump()
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        TextNumbers.model_validate({**numbers, "missed": -0.1})


def test_an_unknown_score_counts_as_chance() -> None:
    above = Spread(0.2, 0.1).above(np.array([0.4, np.nan]))
    assert above.tolist() == pytest.approx([2.0, 0.0])
