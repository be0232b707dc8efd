"""The lines of a TOML text's keys."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.sources.toml_lines import KeyPath, key_lines, line_of

_TEXT = '''\
# [not.a.header]
top = 1

[sources.a]   # comment with = and [brackets]
spider = "x # not a comment"
text = """
[sources.b]
spider = 1
quotes: ""\\"" """
raw = \'\'\'
k = 2\'\'\'
"quoted key" = [ 1, [2, 3],
  # comment ]
  { deep = 4, "x.y" = 5 },
]
\'lit eral\'.dotted . more = 1979-05-27 07:32:00
inline = { one = 1, two.three = [
  "a", "b"] }
"\\u00e4" = 6

[sources."b c"]
z = -1.5e3
[[list]]
n = 1
'''


def test_every_way_to_write_a_key() -> None:
    tomllib.loads(_TEXT)
    lines = key_lines(_TEXT)
    expected: dict[KeyPath, int] = {
        ("top",): 2,
        ("sources",): 4,
        ("sources", "a"): 4,
        ("sources", "a", "spider"): 5,
        ("sources", "a", "text"): 6,
        ("sources", "a", "raw"): 10,
        ("sources", "a", "quoted key"): 12,
        ("sources", "a", "quoted key", 1, 1): 12,
        ("sources", "a", "quoted key", 2): 14,
        ("sources", "a", "quoted key", 2, "x.y"): 14,
        ("sources", "a", "lit eral"): 16,
        ("sources", "a", "lit eral", "dotted", "more"): 16,
        ("sources", "a", "inline", "one"): 17,
        ("sources", "a", "inline", "two", "three", 1): 18,
        ("sources", "a", "ä"): 19,
        ("sources", "b c"): 21,
        ("sources", "b c", "z"): 22,
        ("list",): 23,
        ("list", "n"): 24,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("sources", "b") not in lines
    assert ("not",) not in lines


def test_what_has_no_line_has_that_of_its_table() -> None:
    lines = key_lines(_TEXT)
    assert line_of(lines, ("sources", "a", "missing")) == 4
    assert line_of(lines, ("sources", "b c", "z", 7)) == 22
    assert line_of(lines, ("sources", "gone")) == 4
    assert line_of(lines, ("elsewhere",)) is None
    assert line_of(lines, ()) is None


_scalars = st.sampled_from(
    ["1", "true", '"a = 1"', "'# no'", '"""x\ny = 2\n"""', "'''\n[z]\n'''", "1.5", "[]", "{}"]
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: "[" + ",\n ".join(parts) + "]"),
    max_leaves=6,
)
_names = st.text("ab-_0", min_size=1, max_size=3)


@given(st.lists(st.tuples(_values, st.sampled_from(["", "\n", "# x = [\n"])), max_size=12))
def test_keys_are_found_after_any_values(parts: list[tuple[str, str]]) -> None:
    text = "[t]\n"
    where: dict[str, int] = {}
    for number, (value, after) in enumerate(parts):
        where[f"key{number}"] = text.count("\n") + 1
        text += f"key{number} = {value}\n{after}"
    tomllib.loads(text)
    lines = key_lines(text)
    assert {key: lines[("t", key)] for key in where} == where


def _paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    if isinstance(value, dict):
        return {path}.union(*(_paths(part, (*path, key)) for key, part in value.items()))
    if isinstance(value, list):
        return {path}.union(*(_paths(part, (*path, at)) for at, part in enumerate(value)))
    return {path}


@given(st.lists(st.tuples(_names, _values), max_size=6, unique_by=lambda pair: pair[0]))
def test_every_place_that_the_parser_knows_has_a_line(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in pairs)
    lines = key_lines(text)
    assert _paths(tomllib.loads(text)) - {()} == set(lines)


@given(st.text("[]{}=.,\"'# \n\\ab1"))
def test_no_text_whatever_raises_or_hangs(text: str) -> None:
    assert all(line >= 1 for line in key_lines(text).values())
