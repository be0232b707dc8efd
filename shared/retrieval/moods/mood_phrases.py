"""The form in which the phrases of moods are written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Weights = Mapping[str, float]
"""How much each tone counts, above 0 and up to 1, by its name in ``tones.TONES``."""

NO_TONES: Weights = MappingProxyType({})


class MoodPhrases(NamedTuple):
    """Phrases that ask for the same.

    Attributes:
        phrases: The phrases, separated by ``|``, folded as ``mood_reader`` folds a text: in lower
            case, without apostrophes, hyphens as spaces, and numbers as ``#``. A ``*`` at the end
            of a word stands for any ending.
        sought: The tones that suit.
        shunned: The tones that would be out of place.
        of_asker: Whether the phrases are about the asker or the occasion and not about the movie
            ("a rainy Sunday", "sick in bed"), so that their words are not searched in reviews.
        is_topic: Whether they are as often what a movie is about, so that they alone make no mood.
    """

    phrases: str
    sought: Weights
    shunned: Weights = NO_TONES
    of_asker: bool = False
    is_topic: bool = False
