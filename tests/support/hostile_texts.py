"""Texts that are made to take long: one unit, repeated; and a bound of the time they may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shared.system.cpu_bound import CpuBound, CpuBoundExceeded

UNITS: Final = (
    # Blanks, marks and letters that patterns repeat.
    " ", "\t", "\n", " \n", "\u00a0", "\u2028", ".", ". ", "…", "!?", '"', "'", "’", "(", ")", "()",
    "[", "]", "[]", "{", "}", "-", "_", "*", "★", ",", ";", ":", "/", "//", "\\", "@", "://", "#",
    "=", "&", "a", "A", "ab", "a.", "a-", "a'", "/a", "(a) ", "aa.Bb", "映", "ก", "한", "ß", "ﷺ",
    # Letters with more marks than any language has, in the order that is sorted slowest.
    "\u0300", "\u0300\u0323", "a\u0323\u0307", "\u0344\u0323", "\uff9e\u0300",
    "😀", "🇩", "👨\u200d", "\u00ad",
    # Numbers and days.
    "1", "1,", "1.", "1 ", "1-", "1999-", "9h ", "½",
    # Half of some markup, data or syntax.
    "<", ">", "<a ", "<a x=", '<a x="', "<p x='y' ", " x=y", '<a x="<a y=\'" y=\'',
    "<script>", "<script x", "</script", "<!--", "-->", "<![CDATA[", "]]>", "&#1", "&amp;",
    "&amp;lt;", "&quot;", '{"x":', '"x":', "[1,", "/*", "/* ", "// ", "'''", '"""', "a=1\n", "k.",
    'a","b\n', '"a\n', '"a",', "[']", "(aka x)", " (1999)",
    # Words that rules look for, and endings that are taken off.
    "word ", "not ", "no, ", "too ", "n't ", "not funny ", "ing", "ness", "ly", "ful", "'s", "qu",
    "w/o ", "and a ", "the movie ", "spoiler ", "like ", "1990s ", "2 hours ",
)  # fmt: skip


def repeated(unit: str, chars: int, *, first: str = "", last: str = "") -> str:
    """A text of a length, between a first and a last part."""
    return first + (unit * (chars // len(unit) + 1))[:chars] + last


def is_within(cpu_s: float, work: Callable[[str], Any], text: str) -> bool:
    """Whether a piece of work with a text ends in time; an error ends it, too."""
    try:
        with CpuBound(cpu_s):
            try:
                work(text)
            except CpuBoundExceeded:
                raise
            except Exception:  # noqa: BLE001 - a hostile text may be refused
                return True
    except CpuBoundExceeded:
        return False
    return True
