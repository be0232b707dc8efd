"""Reads lists of names, such as genres and people. Pure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from services.ingest.pages.values.texts import NULLS, ValueUnread, is_missing, text
from shared.text.marks import with_few_marks

_SEPARATORS: Final = ("|", ";", "\n", ",")
_MOST_CHARS: Final = 200_000
_NUMPY_LIST = re.compile(r"\[\s*(?:'[^']*'\s*)+\]")  # numpy writes no commas: ['Drama' 'War']
_NAME_KEYS: Final = ("name", "title", "english_name", "value", "element", "tag")


def names(
    value: Any, nulls: Collection[str] = NULLS, *, separator: str | None = None
) -> tuple[str, ...]:
    """Several names, each once, in their order.

    Reads lists, objects with a name, lists that JSON or Python wrote into a text, and texts with
    names between bars, semicolons, line breaks or commas: the first of these that occurs.

    Args:
        value: The names as the file or page has them.
        nulls: Texts that stand for "no value"; such an entry of a list is left out.
        separator: What stands between names in a text, if it is known.

    Raises:
        ValueUnread: it is something else, such as a list that is cut off.
    """
    if is_missing(value, nulls):
        return ()
    found = (part.strip() for part in _parts(value, nulls, separator))
    return tuple(dict.fromkeys(part for part in found if part not in nulls))


def _parts(value: Any, nulls: Collection[str], separator: str | None) -> Iterator[str]:
    if isinstance(value, (bytes, bytearray)):
        value = text(value, nulls) or ""
    if isinstance(value, str):
        said = value.strip()
        if said[:1] in "[{" and said[-1:] in "]}":
            yield from _parts(_written_list(said), nulls, separator)
        else:
            yield from _split(said, separator)
    elif isinstance(value, dict):
        yield _name_of(value, nulls)
    elif isinstance(value, (list, tuple)):
        yield from _of_list(value, nulls)
    else:
        raise ValueUnread("a list of names", value)


def _of_list(values: Iterable[Any], nulls: Collection[str]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            yield _name_of(value, nulls)
        elif not is_missing(value, nulls):
            name = text(value, nulls)
            if name is not None:
                yield name


def _name_of(value: dict[Any, Any], nulls: Collection[str]) -> str:
    for key in _NAME_KEYS:
        if isinstance(value.get(key), str):
            return text(value[key], nulls) or ""
    raise ValueUnread("a name", value)


def _written_list(said: str) -> Any:
    """The list that JSON or Python wrote into a text."""
    if len(said) > _MOST_CHARS:
        raise ValueUnread("a list of names", said)
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        pass
    if _NUMPY_LIST.fullmatch(said):
        return re.findall(r"'([^']*)'", said)
    try:
        found = ast.literal_eval(with_few_marks(said))  # Python normalises names
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        found = None
    if isinstance(found, (set, frozenset)):
        return sorted(map(str, found))
    if not isinstance(found, (list, tuple, dict)):
        raise ValueUnread("a list of names", said)
    return found


def _split(said: str, separator: str | None) -> list[str]:
    if separator is None:
        separator = next((mark for mark in _SEPARATORS if mark in said), ",")
    return said.split(separator)
