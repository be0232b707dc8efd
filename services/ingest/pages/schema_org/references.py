"""Joins the nodes of a page that are one thing, and follows references between nodes. Pure.

JSON-LD says that nodes with one ``@id`` are one thing, with the values of all of them: two plugins
of a site each write a ``Movie`` with a review in it. But sites also give one ``@id`` (``#review``)
to many things. So nodes are joined unless they contradict each other in their name or text.

The time is in proportion to the page: a node is compared with at most ``MAX_ALIKE`` others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.ingest.pages.schema_org.json_ld import Node
from services.ingest.pages.schema_org.schema_values import text_of, values_of

MAX_ALIKE = 50  # things with one id, with which a further node is compared
_TELLING = ("name", "reviewBody", "text")  # two things differ in one of them
_LOOKED_UP = (
    "author", "creator", "actor", "actors", "director", "itemReviewed", "reviewRating",
    "aggregateRating", "image", "countryOfOrigin", "genre", "publisher",
)  # fmt: skip

Told = tuple[str | None, ...]
"""The telling texts of a node; None for each that it lacks."""


class References:
    """The nodes of one syntax on a page, joined by their ids.

    Args:
        nodes: All nodes, outermost first.
        absolute: Resolves an id against the page's address.
    """

    def __init__(self, nodes: list[Node], absolute: Callable[[str | None], str | None]) -> None:
        self._absolute = absolute
        self._by_id: dict[str, list[Node]] = {}
        self._told: dict[int, Told] = {}  # id() of a node in ``_by_id`` to its telling texts
        self._joined: dict[int, Node] = {}  # id() of a node to the node that has its values now
        self._collected: dict[tuple[int, str], tuple[list[Any], set[str]]] = {}
        self.nodes: list[Node] = []
        for node in nodes:
            name = self._name(node.get("@id"))
            if _is_reference(node):
                continue
            same = self._same(name, node)
            if same is None:
                self.nodes.append(node)
                if name is not None and len(self._by_id.get(name, ())) < MAX_ALIKE:
                    self._by_id.setdefault(name, []).append(node)
                    self._told[id(node)] = _told_by(node)
            else:
                self._add_values(same, node)
                self._told[id(same)] = _told_by(same)
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
        told = _told_by(node)
        earlier = self._by_id.get(name, [])
        return next(
            (other for other in earlier if not _contradict(self._told[id(other)], told)), None
        )

    def _add_values(self, first: Node, second: Node) -> None:
        """Add the values of a node to another one, each once."""
        for key, value in second.items():
            if key not in first:
                first[key] = value
            elif key != "@id" and first[key] != value:
                place = (id(first), key)
                if place not in self._collected:
                    values = list(values_of(first[key]))
                    self._collected[place] = values, set(map(repr, values))
                    first[key] = values
                values, known = self._collected[place]
                for part in values_of(value):
                    written = repr(part)
                    if written not in known:
                        known.add(written)
                        values.append(part)


def _is_reference(node: Node) -> bool:
    return isinstance(node.get("@id"), str) and set(node) <= {"@id", "@type"}


def _told_by(node: Node) -> Told:
    return tuple(text_of(node.get(key)) for key in _TELLING)


def _contradict(first: Told, second: Told) -> bool:
    return any(
        one is not None and other is not None and one != other
        for one, other in zip(first, second, strict=True)
    )
