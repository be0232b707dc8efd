"""How long the tests take their time: in CI minutes, in `make soak` as long as it needs.

In CI, hypothesis tries the same examples each time, so that a change is judged by itself and not
by luck; `make soak` draws new ones, and many more.
"""

from __future__ import annotations

import os

from hypothesis import settings

SOAK = os.environ.get("SOAK") == "1"
_TIMES_THE_EXAMPLES = 40


def load_profile() -> None:
    """Make this run's settings those of every property that names none of its own."""
    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.register_profile(
        "soak", deadline=None, derandomize=False, print_blob=True, max_examples=examples(100)
    )
    settings.load_profile("soak" if SOAK else "ci")


def examples(short: int) -> int:
    """Examples of a property: ``short`` in CI."""
    return short * _TIMES_THE_EXAMPLES if SOAK else short


def times(short: int, *, soak: int) -> int:
    """Repetitions of something that is not a property (kills, reloads, requests)."""
    return soak if SOAK else short
