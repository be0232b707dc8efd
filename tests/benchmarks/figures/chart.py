"""Line charts as SVG: a few panels over one logarithmic axis. Pure.

It is written by hand because it is small. The same figures give the same file, and the charts
follow the light or dark theme of the reader.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 300, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 34, 58
COLOURS = ("#2f6fb2", "#c8691c", "#3d8b4f")
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#333}.title{font-weight:600}"
    ".axis{stroke:#999;fill:none}.grid{stroke:#9993;fill:none}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


@dataclass(frozen=True)
class Line:
    """A value above zero for each place of the horizontal axis."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """Lines that share a logarithmic vertical axis."""

    title: str
    lines: Sequence[Line]


def drawing(title: str, axis: str, places: Sequence[float], panels: Sequence[Panel]) -> str:
    """Draw panels beside each other; returns the SVG.

    Args:
        title: The title, for screen readers.
        axis: The name of the horizontal axis.
        places: Values on the horizontal axis, ascending and above zero.
        panels: The panels from left to right, at least one.
    """
    width = WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
    ]
    for n, panel in enumerate(panels):
        parts += [f'<g transform="translate({n * WIDTH} 0)">', *_panel(panel, axis, places), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, axis: str, places: Sequence[float]) -> list[str]:
    values = [value for line in panel.lines for value in line.values]
    low, high = _decades(values)
    first, last = math.log10(places[0]), math.log10(places[-1])

    def x(place: float) -> float:
        share = (math.log10(place) - first) / ((last - first) or 1)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        share = (math.log10(value) - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    parts = [f'<text class="title" x="{LEFT}" y="16">{escape(panel.title)}</text>']
    for power in range(low, high + 1):
        height = y(10**power)
        parts += [
            f'<path class="grid" d="M{LEFT} {height}H{WIDTH - RIGHT}"/>',
            f'<text x="{LEFT - 6}" y="{height + 4}" text-anchor="end">{_short(10**power)}</text>',
        ]
    foot = HEIGHT - BOTTOM
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{foot}H{WIDTH - RIGHT}"/>')
    for place in places:
        parts.append(
            f'<text x="{x(place)}" y="{foot + 14}" text-anchor="middle">{_short(place)}</text>'
        )
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{foot + 28}" text-anchor="end">{escape(axis)}</text>'
    )
    for n, line in enumerate(panel.lines):
        colour = COLOURS[n % len(COLOURS)]
        points = [(x(place), y(value)) for place, value in zip(places, line.values, strict=True)]
        path = "L".join(f"{a} {b}" for a, b in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a}" cy="{b}" r="3" fill="{colour}"/>' for a, b in points]
        height = foot + 30 + 13 * n
        parts += [
            f'<path d="M{LEFT} {height - 4}h14" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{LEFT + 19}" y="{height}">{escape(line.name)}</text>',
        ]
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten below and above all values, at least one decade apart."""
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _short(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
