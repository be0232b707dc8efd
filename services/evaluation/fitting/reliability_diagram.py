"""The reliability diagram as an SVG document. Pure."""

from __future__ import annotations

from services.evaluation.fitting.reliability import BINS, Bin, Reliability

_SIDE, _LEFT, _TOP, _HISTOGRAM = 300, 52, 30, 50
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#333}.title{font-weight:600}"
    ".axis{stroke:#999;fill:none}.grid{stroke:#9993;fill:none}.even{stroke:#999;"
    "stroke-dasharray:4 3;fill:none}.bin{fill:#2f6fb2}.share{fill:#2f6fb2;opacity:.35}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


def diagram(measured: Reliability) -> str:
    """Draw the accepted share over the fit, and below it how many hits have such a fit."""
    width, height = _LEFT + _SIDE + 20, _TOP + _SIDE + _HISTOGRAM + 62
    bottom = _TOP + _SIDE
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" role="img">'
        ),
        f"<title>Share of accepted hits by fit</title><style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="16">accepted share of the hits with such a fit</text>',
    ]
    for tenth in range(0, BINS + 1, 2):
        share = tenth / BINS
        lines += [
            f'<path class="grid" d="M{_LEFT} {_y(share):.1f}H{_LEFT + _SIDE}"/>',
            f'<text x="{_LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">{share:.1f}</text>',
            f'<text x="{_x(share):.1f}" y="{bottom + 16}" text-anchor="middle">{share:.1f}</text>',
        ]
    lines += [
        f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_LEFT + _SIDE}"/>',
        f'<path class="even" d="M{_LEFT} {bottom}L{_LEFT + _SIDE} {_TOP}"/>',
        *map(_bin, measured.bins),
        (
            f'<text x="{_LEFT + _SIDE}" y="{height - 8}" text-anchor="end">fit, cross-validated; '
            "bars: share of all hits</text>"
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bin(each: Bin) -> str:
    base = _TOP + _SIDE + 24 + _HISTOGRAM
    tall = max(1.0, each.weight * _HISTOGRAM)
    radius = 3 + 9 * each.weight**0.5
    return (
        f'<circle class="bin" cx="{_x(each.fit):.1f}" cy="{_y(each.accepted):.1f}" '
        f'r="{radius:.1f}"><title>fit {each.fit:.2f}: {each.accepted:.2f} of {each.hits} hits '
        f"accepted</title></circle>\n"
        f'<rect class="share" x="{_x(each.low) + 2:.1f}" y="{base - tall:.1f}" '
        f'width="{_SIDE / BINS - 4:.1f}" height="{tall:.1f}"/>'
    )


def _x(share: float) -> float:
    return _LEFT + share * _SIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE
