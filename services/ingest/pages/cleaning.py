r"""Cleans texts of web sites: no markup, no entities, no control characters, NFC. Pure.

Cleaning loses no word and joins no two words: only HTML's elements count as markup (``<3`` and
``<grin>`` stay), an inline element is replaced by nothing, any other by a space or a line break.
Bytes of Windows-1252 that were decoded as Latin-1 (``don\x92t``) are corrected. A missing space
between two sentences ("the end.Then") is added; addresses, numbers, abbreviations and ellipses stay
as they are.

Every step takes time in proportion to the text, whatever the text is: a site decides what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.entities import html5

from shared.text.marks import normalised

_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|"
    "span|strike|strong|sub|sup|time|tt|u|var|wbr"
)
_BLOCK = (
    "address|article|aside|blockquote|body|br|center|dd|details|div|dl|dt|fieldset|figcaption|"
    "figure|footer|form|h1|h2|h3|h4|h5|h6|head|header|hr|html|legend|li|main|nav|ol|option|p|pre|"
    "section|select|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
BLOCK_ELEMENTS = frozenset(_BLOCK.split("|"))
_OTHER = (
    "audio|button|canvas|caption|embed|iframe|img|input|label|link|map|meta|noscript|object|"
    "picture|script|source|style|svg|textarea|video"
)
# A value has few "<": so a tag that does not end costs no more than the text up to a few others.
_VALUE = r"""(?:"[^"<]*+(?:<[^"<]*+){0,2}+"|'[^'<]*+(?:<[^'<]*+){0,2}+'|[^\s"'=<>`]++)"""
_ATTRIBUTES = rf"(?:\s++[A-Za-z_:@][\w:.@-]*+\s*+=\s*+{_VALUE}){{0,40}}+"


def _element(names: str) -> re.Pattern[str]:
    return re.compile(rf"</?(?:{names}){_ATTRIBUTES}\s*+/?>", re.IGNORECASE)


_inline = _element(_INLINE)
_block = _element(_BLOCK)
_other = _element(_OTHER)
_program = re.compile(rf"<(script|style){_ATTRIBUTES}\s*+>", re.IGNORECASE)
_program_end = {name: re.compile(rf"</{name}\s*+>", re.IGNORECASE) for name in ("script", "style")}
_entity = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")

_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x2060, 0xFEFF, *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_CONTROL = {
    code: " "
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x200B, *range(0xD800, 0xE000)]
    if code not in {0x09, 0x0A, 0x0D}
}
for _byte in range(0x80, 0xA0):
    try:
        _CONTROL[_byte] = bytes([_byte]).decode("cp1252")
    except UnicodeDecodeError:
        continue
_CONTROL[0x85] = "…"
_table = {**_CONTROL, **_INVISIBLE}

_SMALL = "a-zß-öø-ÿ"
_GREAT = "A-ZÀ-ÖØ-Þ"
# A word of two letters or more, a full stop, and a capital that begins a word.
_glue = re.compile(
    rf"(?<=[{_GREAT}{_SMALL}][{_SMALL}])((?:\.|[!?]+)[\"'”’)\]]{{0,2}})"
    rf"(?=[\"'“‘(\[]?(?:[{_GREAT}][{_SMALL}]|[AI](?:[\s'’]|$)))"
)
_address = re.compile(
    r"://|www\.|@|/(?:[^/\s]++/|//)|\.(?:com|org|net|info|edu|gov|tv|co|uk|de|fr|io|html?|php)(?:\W|$)",
    re.IGNORECASE,
)
_TOKEN_CHARS = 200  # how far around the end of a sentence an address is searched

_blanks = re.compile(r"[^\S\n\u2028\u2029]+")
_breaks = re.compile(r"(?: ?[\n\u2028\u2029])++ ?")  # when each run of blanks is one space


def clean_text(raw: str) -> str:
    """Clean a text: one line per paragraph, single spaces, NFC, no markup.

    Args:
        raw: The text as the site has it.

    Returns:
        The plain text; empty when ``raw`` contains only markup and white space.
    """
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    for _ in range(3):  # escaped markup, and escaped escapes
        # Without what is invisible, which would hide markup: "<scr", a soft hyphen, "ipt>".
        plain = _unescape(_without_markup(text.translate(_table)))
        if plain == text:
            break
        text = plain
    text = normalised("NFC", text.translate(_table))
    return _breaks.sub(_line_break, _blanks.sub(" ", _glue.sub(_with_space, text))).strip()


def clip(text: str, max_chars: int) -> str:
    """The first ``max_chars`` characters of a text, cut between words where possible."""
    if len(text) <= max_chars:
        return text
    head = text[:max_chars]
    if text[max_chars].isspace():
        return head.rstrip()
    gap = max(head.rfind(" "), head.rfind("\n"))
    return (head[:gap] if gap > max_chars // 2 else head).rstrip()


def _without_markup(text: str) -> str:
    if "<" not in text:
        return text
    text = _without_wrappers(text, "<![CDATA[", "]]>", lambda inner: inner)
    text = _without_wrappers(text, "<!--", "-->", lambda _: " ")
    text = _without_programs(text)
    text = _inline.sub("", text)
    text = _block.sub("\n\n", text)
    return _other.sub(" ", text)


def _without_wrappers(text: str, start: str, end: str, kept: Callable[[str], str]) -> str:
    """Replace what stands between two marks, and the marks; a first mark alone stays."""
    parts: list[str] = []
    at = 0
    while (first := text.find(start, at)) >= 0:
        last = text.find(end, first + len(start))
        if last < 0:
            break
        parts += (text[at:first], kept(text[first + len(start) : last]))
        at = last + len(end)
    return "".join([*parts, text[at:]])


def _without_programs(text: str) -> str:
    """Replace scripts and styles by spaces; one without an end stays, and is markup like other."""
    parts: list[str] = []
    at = 0
    endless: set[str] = set()
    for opening in _program.finditer(text):
        name = opening[1].lower()
        if opening.start() < at or name in endless:
            continue
        closing = _program_end[name].search(text, opening.end())
        if closing is None:
            endless.add(name)
            continue
        parts += (text[at : opening.start()], " ")
        at = closing.end()
    return "".join([*parts, text[at:]])


def _line_break(run: re.Match[str]) -> str:
    """A line break for a paragraph's end; a space for a single break, which only wraps a line."""
    breaks = run[0].count("\n")
    return "\n" if breaks > 1 or breaks < len(run[0]) - run[0].count(" ") else " "


def _with_space(end: re.Match[str]) -> str:
    """The end of a sentence with the missing space; unchanged inside an address."""
    before = end.string[max(0, end.start() - _TOKEN_CHARS) : end.start()].split()[-1]
    after = end.string[end.start() : end.start() + _TOKEN_CHARS].split()[0]
    return end.group() if _address.search(before + after) else f"{end.group()} "


def _unescape(text: str) -> str:
    # Not html.unescape, which turns "&notes" into "¬es": words would be lost.
    return _entity.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return html5.get(f"{name};", match.group())
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(code) if 0 < code < 0x110000 else " "
