"""Which encodings of a response a client accepts (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def accepts_gzip(accepted: Sequence[str]) -> bool:
    """Return whether a client accepts gzip, and likes it no less than the plain content.

    Args:
        accepted: The values of the headers ``Accept-Encoding``.
    """
    weights: dict[str, float] = {}
    for item in ",".join(accepted).lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weights[name] = _weight(parameters)
    others = weights.get("*", 0.0)
    gzip = weights.get("gzip", weights.get("x-gzip", others))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameters: Sequence[str]) -> float:
    """The weight of an encoding; of one that is not understood, 0: plain content is never wrong."""
    if not parameters:
        return 1.0
    weight = _WEIGHT.fullmatch(parameters[0].replace(" ", ""))
    return float(weight[1]) if weight is not None and len(parameters) == 1 else 0.0
