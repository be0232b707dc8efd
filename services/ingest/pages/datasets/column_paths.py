"""Looks up columns in the rows of data files, also inside nested values. Pure.

A column is named by its heading, whatever its case, and with or without blanks, underscores and
hyphens: ``movieId`` is ``movie_id``. A path leads further into a value: ``author_details.rating``,
``genres[*].name`` for all entries of a list, and ``crew[job=Director].name`` for some of them. A
text that holds JSON, as in the cells of many csv files, is read as JSON on the way.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.text.marks import with_few_marks

_IGNORED = re.compile(r"[\s_\-]+")
_STEP = re.compile(r"([^.\[\]]+)(\[\*\]|\[([^\]=]+)=([^\]]*)\])?(?:\.|$)")
_MOST_CHARS = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path.

    Attributes:
        key: The key of an object, normalised.
        is_list: Whether its value is a list whose entries are taken.
        where: A key and the value that it must have in the entries that are taken.
    """

    key: str
    is_list: bool = False
    where: tuple[str, str] | None = None


def normalised(heading: str) -> str:
    """A heading without case, blanks, underscores and hyphens."""
    return _IGNORED.sub("", heading).casefold()


@lru_cache(maxsize=1024)
def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a path.

    Raises:
        ValueError: it is not a path.
    """
    steps = []
    at = 0
    while (match := _STEP.match(path, at)) is not None:
        key, brackets, name, value = match.groups()
        where = (normalised(name), value) if name is not None else None
        steps.append(Step(normalised(key), brackets is not None, where))
        at = match.end()
        if at >= len(path):
            return tuple(steps)
    raise ValueError(f"not the name of a column or a path: {path!r}")


def values_at(row: Mapping[str, Any], path: str) -> Any:
    """The value of a column, or at a path.

    Args:
        row: Normalised headings, and their values.
        path: A heading or a path.

    Returns:
        The value; a list where the path takes entries of a list; None where nothing is.
    """
    heading = normalised(path)
    if heading in row:  # a heading may contain dots and brackets itself
        return row[heading]
    try:
        steps = parse_path(path)
    except ValueError:
        return None
    found = list(_follow(row, steps, is_normalised=True))
    if any(step.is_list for step in steps):
        return found or None
    return found[0] if found else None


def is_path(path: str) -> bool:
    """Whether a column may lead further than to a heading."""
    return any(mark in path for mark in ".[")


def beginnings(path: str) -> tuple[str, ...]:
    """The normalised headings with which a column or path may begin."""
    try:
        return normalised(path), parse_path(path)[0].key
    except ValueError:  # a heading with a bracket in it
        return (normalised(path),)


def has_column(headings: frozenset[str], path: str) -> bool:
    """Whether a file has the column in which a path begins."""
    return any(heading in headings for heading in beginnings(path))


def _follow(value: Any, steps: tuple[Step, ...], *, is_normalised: bool = False) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    node = value if is_normalised else _read(value)
    if not isinstance(node, Mapping):
        return
    inner = node.get(step.key) if is_normalised else _get(node, step.key)
    if inner is None:
        return
    if not step.is_list:
        yield from _follow(inner, rest)
        return
    entries = _read(inner)
    for entry in entries if isinstance(entries, (list, tuple)) else [entries]:
        if step.where is None or _is_where(entry, step.where):
            yield from _follow(entry, rest)


def _is_where(entry: Any, where: tuple[str, str]) -> bool:
    key, value = where
    return isinstance(entry, Mapping) and str(_get(entry, key)).casefold() == value.casefold()


def _get(node: Mapping[str, Any], key: str) -> Any:
    if key in node:
        return node[key]
    return next((value for name, value in node.items() if normalised(str(name)) == key), None)


def _read(value: Any) -> Any:
    """A text that holds a list or an object as such; any other value as it is."""
    if not isinstance(value, str) or len(value) > _MOST_CHARS:
        return value
    text = value.strip()
    if text[:1] not in {"[", "{"}:
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        # As pandas writes what Python prints. Python normalises names, which may be only marks.
        return ast.literal_eval(with_few_marks(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return value
