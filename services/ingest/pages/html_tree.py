"""Parses any bytes as an HTML tree; fetches nothing and resolves no entities. Pure."""

from __future__ import annotations

import re

import lxml.etree
import lxml.html

# XML text cannot contain these characters, and libxml2 would end the tree at the first one.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BLANK = "\x0b\x0c"


def _replacement(match: re.Match[str]) -> str:
    """Nothing, so that a name with such a character in it stays that name; or a blank for one."""
    return " " if match.group() in _BLANK else ""


def parse_page(body: bytes, encoding: str = "utf-8") -> lxml.html.HtmlElement | None:
    """Parse an HTML page.

    Args:
        body: The page as received.
        encoding: The encoding that HTTP or the page declares; an unknown one is read as UTF-8.

    Returns:
        The tree; None when the page is empty.
    """
    try:
        text = body.decode(encoding, errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    # Python knows more names of encodings than libxml2 does.
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        tree = lxml.html.document_fromstring(
            _CONTROL.sub(_replacement, text).encode(errors="replace"), parser=parser
        )
    except (lxml.etree.LxmlError, ValueError):
        return None
    # Elements after </html> are separate trees in libxml2, but part of the page in browsers.
    for late in list(tree.itersiblings("*")):
        tree.append(late)
    return tree
