"""The numbers that turn signals into shares of accepted hits: fitted to judged hits, and shipped.

``python -m services.evaluation.fitting`` writes ``calibration.json`` beside this module.
``docs/decisions/0051-fit.md`` says what it is fitted to.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from shared.retrieval.fit.chance import Chance, Spread
from shared.retrieval.fit.signals import Signals
from shared.retrieval.ranking.scoring import Scores

FILE = "calibration.json"
_MOST = 30.0  # exponents beyond it change no digit that is shown

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]  # more of a signal never means less fit
Share = Annotated[float, Field(ge=0, le=1)]


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpreadNumbers(_Numbers):
    """See ``chance.Spread``."""

    mean: float
    deviation: Annotated[float, Field(gt=0)]

    def to_spread(self) -> Spread:
        """The same as a ``Spread``."""
        return Spread(self.mean, self.deviation)


class ChanceNumbers(_Numbers):
    """See ``chance.Chance``: the scores in a typical catalogue."""

    passages: SpreadNumbers
    pooled: SpreadNumbers
    movies: SpreadNumbers
    missed: Annotated[float, Field(gt=0, lt=1)]

    def to_chance(self) -> Chance:
        """The same as a ``Chance``."""
        return Chance(
            self.passages.to_spread(),
            self.pooled.to_spread(),
            self.movies.to_spread(),
            self.missed,
        )


class TextNumbers(_Numbers):
    """The logistic function of a text's signals: a weight for each, in log-odds."""

    intercept: float
    passages: Weight
    pooled: Weight
    matched: Weight
    missed: Weight
    known: Weight
    mood: Weight
    tones: Weight

    def shares(self, signals: Signals) -> Scores:
        """The share of accepted hits among hits with such signals, shape ``(n,)``."""
        return logistic(
            self.intercept
            + self.passages * signals.passages
            + self.pooled * signals.pooled
            + self.matched * signals.matched
            - self.missed * signals.missed
            + self.known * signals.known
            + self.mood * signals.mood
            + self.tones * signals.tones
        )


class LikeNumbers(_Numbers):
    """The logistic function of how near two movies are, in deviations above chance."""

    intercept: float
    movies: Weight

    def shares(self, above: Scores) -> Scores:
        """The share of accepted hits among movies that are so near, shape ``(n,)``."""
        return logistic(self.intercept + self.movies * above)


class Calibration(_Numbers):
    """All numbers.

    Attributes:
        chance: Scores by chance in a typical catalogue.
        text: For hits of a text.
        like: For hits that should be like a movie.
        exact_title: The share of accepted hits among movies whose title the text is.
        near_title: The same with slips, or where the text is only a part of the title.
        kept: The share of movies that are what a typed constraint says, as far as is known.
        relaxed: The share of movies that are still accepted when a typed constraint was dropped.
    """

    format_version: Literal[1] = 1
    chance: ChanceNumbers
    text: TextNumbers
    like: LikeNumbers
    exact_title: Share
    near_title: Share
    kept: Share
    relaxed: Share


@cache
def shipped() -> Calibration:
    """The calibration that comes with this version."""
    text = files("shared.retrieval.fit").joinpath(FILE).read_text(encoding="utf-8")
    return Calibration.model_validate_json(text)


def logistic(log_odds: Scores) -> Scores:
    """The probabilities of log-odds."""
    result: Scores = 1 / (1 + np.exp(-np.clip(log_odds, -_MOST, _MOST)))
    return result


def log_odds(shares: Scores) -> Scores:
    """The inverse of ``logistic``."""
    inside = np.clip(shares, np.exp(-_MOST), 1 - np.exp(-_MOST))
    result: Scores = np.log(inside / (1 - inside))
    return result
