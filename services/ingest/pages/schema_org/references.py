"""Joins the nodes of a page that are one thing, and follows references between nodes. Pure.

JSON-LD says that nodes with one ``@id`` are one thing, with the values of all of them: two plugins
of a site each write a ``Movie`` with a review in it. But sites also give one ``@id`` (``#review``)
to many things. So nodes are joined unless they contradict each other in their name or text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.ingest.pages.schema_org.json_ld import Node
from services.ingest.pages.schema_org.schema_values import text_of, values_of

_TELLING = ("name", "reviewBody", "text")  # two things differ in one of them
_LOOKED_UP = (
    "author", "creator", "actor", "actors", "director", "itemReviewed", "reviewRating",
    "aggregateRating", "image", "countryOfOrigin", "genre", "publisher",
)  # fmt: skip


class References:
    """The nodes of one syntax on a page, joined by their ids.

    Args:
        nodes: All nodes, outermost first.
        absolute: Resolves an id against the page's address.
    """

    def __init__(self, nodes: list[Node], absolute: Callable[[str | None], str | None]) -> None:
        self._absolute = absolute
        self._by_id: dict[str, list[Node]] = {}
        self._joined: dict[int, Node] = {}  # id() of a node to the node that has its values now
        self.nodes: list[Node] = []
        for node in nodes:
            name = self._name(node.get("@id"))
            if _is_reference(node):
                continue
            same = self._same(name, node)
            if same is None:
                self.nodes.append(node)
                if name is not None:
                    self._by_id.setdefault(name, []).append(node)
            else:
                _add_values(same, node)
                self._joined[id(node)] = same

    def resolved(self, value: Any) -> Any:
        """The node that a reference points to; a node, or any other value, is itself."""
        if isinstance(value, dict) and not _is_reference(value):
            return self._joined.get(id(value), value)
        name = self._name(value.get("@id") if isinstance(value, dict) else value)
        return value if name is None else self._by_id.get(name, [value])[0]

    def looked_up(self, node: Node) -> Node:
        """A node with the nodes that its people and ratings refer to, in place of references."""
        found = {
            key: [self._referred(part) for part in values_of(node[key])]
            for key in _LOOKED_UP
            if key in node
        }
        return {**node, **found} if found else node

    def _referred(self, value: Any) -> Any:
        return self.resolved(value) if isinstance(value, dict) else value

    def _name(self, node_id: Any) -> str | None:
        return self._absolute(node_id) if isinstance(node_id, str) and node_id else None

    def _same(self, name: str | None, node: Node) -> Node | None:
        """The earlier node that this one continues."""
        if name is None:
            return None
        earlier = self._by_id.get(name, [])
        return next((other for other in earlier if not _contradict(other, node)), None)


def _is_reference(node: Node) -> bool:
    return isinstance(node.get("@id"), str) and set(node) <= {"@id", "@type"}


def _contradict(first: Node, second: Node) -> bool:
    for key in _TELLING:
        texts = {text_of(first.get(key)), text_of(second.get(key))} - {None}
        if len(texts) > 1:
            return True
    return False


def _add_values(first: Node, second: Node) -> None:
    """Add the values of a node to another one, each once."""
    for key, value in second.items():
        if key not in first:
            first[key] = value
            continue
        if first[key] == value:
            continue
        known = values_of(first[key])
        new = [part for part in values_of(value) if part not in known]
        if key != "@id" and new:
            first[key] = [*known, *new]
