"""Typed texts and the parts that they have, by topic.

``UNDERSTOOD`` have parts; of ``LEFT_ALONE`` nothing is understood, though they have words of rules.
"""

from __future__ import annotations

from tests.unit.retrieval.interpretation.examples.example import Example
from tests.unit.retrieval.interpretation.examples.left_alone import LEFT_ALONE
from tests.unit.retrieval.interpretation.examples.typed_chatter import CHATTER
from tests.unit.retrieval.interpretation.examples.typed_genres import GENRES
from tests.unit.retrieval.interpretation.examples.typed_likes import LIKES
from tests.unit.retrieval.interpretation.examples.typed_names import NAMES
from tests.unit.retrieval.interpretation.examples.typed_negations import NEGATIONS
from tests.unit.retrieval.interpretation.examples.typed_runtimes import RUNTIMES
from tests.unit.retrieval.interpretation.examples.typed_titles import TITLES
from tests.unit.retrieval.interpretation.examples.typed_years import YEARS

__all__ = ["LEFT_ALONE", "UNDERSTOOD", "Example"]

UNDERSTOOD = (
    *CHATTER,
    *GENRES,
    *LIKES,
    *NAMES,
    *NEGATIONS,
    *RUNTIMES,
    *TITLES,
    *YEARS,
)
