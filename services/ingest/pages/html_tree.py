"""A page's bytes as a tree, whatever the bytes. Pure; nothing is fetched, no entity is resolved."""

from __future__ import annotations

import re

import lxml.etree
import lxml.html

# XML text cannot hold them, and one of them would end the tree where it stands.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def parse_page(body: bytes, encoding: str = "utf-8") -> lxml.html.HtmlElement | None:
    """The tree of an HTML page; None when there is nothing in it.

    Args:
        body: The page as received.
        encoding: The encoding that HTTP or the page declares; an unknown one is read as UTF-8.
    """
    try:
        text = body.decode(encoding, errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    # Python knows more names of encodings than libxml2 does.
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        tree = lxml.html.document_fromstring(
            _CONTROL.sub(" ", text).encode(errors="replace"), parser=parser
        )
    except (lxml.etree.LxmlError, ValueError):
        return None
    # What stands after </html> is a tree of its own to libxml2, and a part of the page to browsers.
    for late in list(tree.itersiblings("*")):
        tree.append(late)
    return tree
