"""The chart is well-formed SVG and shows every value."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.figures.chart import Line, Panel, drawing

VALUE = st.floats(min_value=1e-3, max_value=1e5)


@given(st.lists(st.tuples(VALUE, VALUE), min_size=2, max_size=2))
def test_every_value_is_a_point_inside_the_picture(values: list[tuple[float, float]]) -> None:
    lines = [Line(f"<{n}>", series) for n, series in enumerate(values)]
    text = drawing("a & b", "movies", [500.0, 10_000.0], [Panel("p", lines), Panel("q", lines)])
    root = ET.fromstring(text)  # noqa: S314 - our own
    width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
    dots = [node for node in root.iter() if node.tag.endswith("circle")]
    assert len(dots) == 8
    for dot in dots:
        assert 0 <= float(dot.attrib["cx"]) <= width
        assert 0 <= float(dot.attrib["cy"]) <= height


def test_the_same_figures_give_the_same_file() -> None:
    panels = [Panel("p", [Line("l", [1.0, 30.0])])]
    assert drawing("t", "x", [1.0, 10.0], panels) == drawing("t", "x", [1.0, 10.0], panels)
