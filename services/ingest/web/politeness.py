"""How long a site may make us wait, and when waiting turns into keeping away. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_CRAWL_DELAY_S = 300.0
MAX_PAUSE_S = 120.0
MAX_PAUSES_S = 600.0  # of a host, in a crawl
MAX_PAUSES_IN_A_ROW = 5
FIRST_PAUSE_S = 5.0  # where a 429 names no time; doubled each time

_SECONDS = re.compile(r"[0-9]{1,9}")
_DIGITS = re.compile(r"[0-9]+")


class PatienceExhausted(Exception):
    """A host asks for more waiting than there is; the message says for what, to follow its name."""


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number, or a date; None when neither.

    Args:
        value: The header.
        now: The present, with its time zone.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    if _DIGITS.fullmatch(value):
        return math.inf
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


@dataclass(slots=True)
class Patience:
    """What one host has made us wait so far."""

    in_a_row: int = 0
    waited_s: float = 0.0

    def pause_s(self, wanted_s: float | None, *, least_s: float) -> float:
        """How long to wait now; counts it.

        Args:
            wanted_s: What the host asks for; None when it only says that it is too much.
            least_s: The pause between any two requests to the host.

        Raises:
            PatienceExhausted: that is too long, too often in a row, or too much in all.
        """
        self.in_a_row += 1
        if self.in_a_row >= MAX_PAUSES_IN_A_ROW:
            raise PatienceExhausted(f"asked {self.in_a_row} times in a row to come back later")
        if wanted_s is None:
            wanted_s = min(FIRST_PAUSE_S * 2 ** (self.in_a_row - 1), MAX_PAUSE_S)
        if wanted_s > MAX_PAUSE_S:
            wanted = f"{wanted_s:.0f} s" if math.isfinite(wanted_s) else "an endless time"
            raise PatienceExhausted(
                f"asked to come back after {wanted}, {MAX_PAUSE_S:.0f} s at most"
            )
        pause_s = max(wanted_s, least_s)
        if self.waited_s + pause_s > MAX_PAUSES_S:
            raise PatienceExhausted(f"asked for more than {MAX_PAUSES_S:.0f} s of pauses in all")
        self.waited_s += pause_s
        return pause_s

    def answered(self) -> None:
        """The host has answered without asking to wait."""
        self.in_a_row = 0
