"""How long the crawler waits when a site asks it to, and when it gives up instead. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_CRAWL_DELAY_S = 300.0
MAX_PAUSE_S = 120.0
MAX_PAUSES_S = 600.0  # all pauses of a host in a crawl together
MAX_PAUSES_IN_A_ROW = 5
FIRST_PAUSE_S = 5.0  # for a 429 without Retry-After; doubled each time

_SECONDS = re.compile(r"[0-9]{1,9}")
_DIGITS = re.compile(r"[0-9]+")


class PatienceExhausted(Exception):
    """Raised when a host asks for a longer, or one more, pause than the crawler grants.

    The message is a predicate whose subject is the host: ``asked to ...``.
    """


def retry_after_s(value: str, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` header asks for; None when it is not valid.

    Args:
        value: The value of the header: a number of seconds, or a date.
        now: The current time, with a time zone.
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
    """Decides on the pauses of one host, and counts them."""

    in_a_row: int = 0
    waited_s: float = 0.0

    def pause_s(self, requested_s: float | None, *, min_s: float) -> float:
        """Seconds to wait now; counts the pause.

        Args:
            requested_s: Seconds that the host asks for; None when it names no time.
            min_s: Shortest pause in seconds between two requests to the host.

        Raises:
            PatienceExhausted: the pause is too long, one too many in a row, or too long together
                with the earlier ones.
        """
        self.in_a_row += 1
        if self.in_a_row >= MAX_PAUSES_IN_A_ROW:
            raise PatienceExhausted(f"asked {self.in_a_row} times in a row to wait")
        if requested_s is None:
            requested_s = min(FIRST_PAUSE_S * 2 ** (self.in_a_row - 1), MAX_PAUSE_S)
        if requested_s > MAX_PAUSE_S:
            requested = f"{requested_s:.0f} s" if math.isfinite(requested_s) else "an infinite time"
            raise PatienceExhausted(
                f"asked to wait for {requested}, more than the limit of {MAX_PAUSE_S:.0f} s"
            )
        pause_s = max(requested_s, min_s)
        if self.waited_s + pause_s > MAX_PAUSES_S:
            raise PatienceExhausted(f"asked for pauses of more than {MAX_PAUSES_S:.0f} s in total")
        self.waited_s += pause_s
        return pause_s

    def answered(self) -> None:
        """Note that the host has answered without asking to wait."""
        self.in_a_row = 0
