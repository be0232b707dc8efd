"""Reads HTML microdata as nodes in the form of JSON-LD, so that one reader handles both. Pure.

An element with ``itemscope`` is a node: ``@type`` from ``itemtype``, ``@id`` from ``itemid``, and a
key for each ``itemprop`` below it, whose values may be nested nodes; ``itemref`` adds properties
from elsewhere on the page. ``spoiler`` is True where a class such as ``spoiler`` marks the node. A
text is ``{"@value": ..., "@language": ...}`` where HTML's ``lang`` gives its language. A link whose
property is a name (``author``, ``genre``) yields its text.

The algorithm is that of the HTML standard, which extruct implements too (a test compares the two).
extruct's code is not used, because it takes quadratic time, so that a page of 5 MiB can block the
crawl for minutes; because it splits words at inline elements ("un<b>believ</b>able"); and because
it ignores languages. The work here is bounded on any page: ``MAX_STEPS`` elements or pieces of
text.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import lxml.etree
from lxml.html import HtmlElement

from services.ingest.pages.cleaning import BLOCK_ELEMENTS

MAX_STEPS = 200_000  # per page; a normal page needs less than a tenth
MAX_NESTED = 64
_STEP_CHARS = 64

Node = dict[str, Any]

_SPOILER = re.compile(
    r"(?:^|[\s_-])spoilers?(?:$|\s|[_-](?:warning|alert|text|review)\b)", re.IGNORECASE
)
_language = lxml.etree.XPath("ancestor-or-self::*[@lang][1]/@lang")

_SOURCES = {"audio", "embed", "iframe", "img", "source", "track", "video"}
_LINKS = {"a", "area", "link"}
_VALUES = {"data", "meter"}
_SILENT = {"script", "style", "template", "noscript"}
_NAMED = {
    "alternateName", "author", "creator", "datePublished", "description", "director", "genre",
    "headline", "inLanguage", "name", "reviewBody", "text",
}  # fmt: skip


class MicrodataTooDense(ValueError):
    """Raised when reading a page's microdata takes more than ``MAX_STEPS``."""


def read_microdata(tree: HtmlElement, url: str) -> list[Node]:
    """The outermost nodes of a page, in their order.

    Args:
        tree: The page.
        url: The URL of the page; relative links are resolved against it.

    Raises:
        MicrodataTooDense: reading it takes more than ``MAX_STEPS``.
    """
    return _Reader(tree, url).outermost()


class _Reader:
    def __init__(self, tree: HtmlElement, url: str) -> None:
        self._tree = tree
        self._url = url
        self._steps = 0
        self._by_id: dict[str, HtmlElement] | None = None

    def outermost(self) -> list[Node]:
        nodes = []
        for element in self._tree.iter("*"):
            self._spend()
            if element.get("itemscope") is not None and element.get("itemprop") is None:
                nodes.append(self._node(element, frozenset()))
        return nodes

    def _node(self, element: HtmlElement, above: frozenset[HtmlElement]) -> Node:
        above |= {element}
        if len(above) > MAX_NESTED:
            raise MicrodataTooDense(f"more than {MAX_NESTED} nested nodes")
        values: dict[str, list[Any]] = {}
        parts, marked = self._properties(element)
        for part in parts:
            if part in above:
                continue  # an itemref to an enclosing element
            for name in self._attribute(part, "itemprop").split():
                value = self._value(part, name, above)
                if value is not None:
                    values.setdefault(name, []).append(value)
        if not parts and (name := self._text(element)):
            values["name"] = [name]  # a bare itemscope around a name
        if marked:
            values.setdefault("spoiler", [True])
        return {**_about(element), **{name: _one_or_all(all_) for name, all_ in values.items()}}

    def _properties(self, scope: HtmlElement) -> tuple[list[HtmlElement], bool]:
        """The properties of ``scope``, in page order, and whether it is marked as a spoiler."""
        properties = []
        marked = self._is_marked(scope)
        roots = [*scope.iterchildren("*"), *self._referred(scope)]
        waiting = roots[::-1]
        seen = {scope}
        while waiting:
            element = waiting.pop()
            self._spend()
            if element in seen:
                continue
            seen.add(element)
            if element.get("itemprop") is not None:
                properties.append(element)
            marked = marked or self._is_marked(element)
            if element.get("itemscope") is None:
                waiting.extend(element.iterchildren("*", reversed=True))
        return properties, marked

    def _is_marked(self, element: HtmlElement) -> bool:
        return bool(_SPOILER.search(self._attribute(element, "class")))

    def _attribute(self, element: HtmlElement, name: str) -> str:
        """An attribute, which costs as many steps as a text of its length."""
        value = element.get(name) or ""
        self._spend(len(value) // _STEP_CHARS)
        return value

    def _referred(self, scope: HtmlElement) -> list[HtmlElement]:
        names = self._attribute(scope, "itemref").split()
        if not names:
            return []
        if self._by_id is None:
            self._by_id = {}
            for element in self._tree.xpath("//*[@id]"):
                self._by_id.setdefault(element.get("id"), element)
        return [self._by_id[name] for name in names if name in self._by_id]

    def _value(self, element: HtmlElement, name: str, above: frozenset[HtmlElement]) -> Any:
        tag = element.tag
        if element.get("itemscope") is not None:
            return self._node(element, above)
        if tag == "meta":
            return self._with_language(element, element.get("content"))
        if tag in _SOURCES:
            return self._link(element.get("src"))
        if tag in _LINKS:
            shown = self._text(element) if name in _NAMED else ""
            return self._with_language(element, shown) or self._link(element.get("href"))
        if tag == "object":
            return self._link(element.get("data"))
        if tag in _VALUES:
            return element.get("value")
        if tag == "time" and element.get("datetime"):
            return element.get("datetime")
        # Not in the standard, but used in schema.org's examples.
        return self._with_language(element, element.get("content") or self._text(element))

    def _link(self, given: str | None) -> str | None:
        if given is None:
            return None
        self._spend(1 + len(given) // _STEP_CHARS)
        try:
            return urljoin(self._url, given.strip())
        except ValueError:
            return None

    def _with_language(self, element: HtmlElement, text: str | None) -> Any:
        """A text with its language, if the element or an enclosing element declares one."""
        if not text:
            return None
        for language in _language(element):
            return {"@value": text, "@language": str(language)} if language else text
        return text

    def _text(self, element: HtmlElement) -> str:
        """The visible text of an element: words are not split, blocks are separated."""
        parts: list[str] = []
        walk = lxml.etree.iterwalk(element, events=("start", "end", "comment", "pi"))
        for event, inner in walk:
            self._spend()
            if event == "start":
                if inner.tag in _SILENT:
                    walk.skip_subtree()
                else:
                    self._add(parts, _gap(inner), inner.text)
                continue
            ends_block = event == "end" and inner.tag != "br"
            tail = inner.tail if inner is not element else None
            self._add(parts, _gap(inner) if ends_block else "", tail)
        return "".join(parts).strip()

    def _add(self, parts: list[str], gap: str, text: str | None) -> None:
        if gap:
            parts.append(gap)
        if text:
            self._spend(len(text) // _STEP_CHARS)
            parts.append(text)

    def _spend(self, steps: int = 1) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise MicrodataTooDense(f"more than {MAX_STEPS} steps")


def _about(element: HtmlElement) -> Node:
    about: Node = {}
    types = (element.get("itemtype") or "").split()
    if types:
        about["@type"] = _one_or_all(types)
    if item_id := (element.get("itemid") or "").strip():
        about["@id"] = item_id
    return about


def _one_or_all(values: list[Any]) -> Any:
    return values if len(values) > 1 else values[0]


def _gap(element: HtmlElement) -> str:
    return "\n\n" if element.tag in BLOCK_ELEMENTS else ""
