"""The lenient JSON parser of JSON-LD scripts, compared with extruct's."""

from __future__ import annotations

import json
import time
from typing import Any

import lxml.html
import pytest
from extruct.jsonld import JsonLdExtractor
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.schema_org.json_ld import parse_lenient_json

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["", "//x", "/*x*/", '",]', "\\"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b,}"]), inner)
    ),
    max_leaves=10,
)
_gaps = st.lists(st.sampled_from(["", " ", "\n", "/* , } */", "// ] \n", ","]), min_size=1)


def _extruct(text: str) -> list[Any]:
    script = lxml.html.Element("script", type="application/ld+json")
    script.text = text
    items: list[Any] = JsonLdExtractor().extract_items(script)
    return items


def _ours(text: str) -> list[Any]:
    data = parse_lenient_json(text)
    return [item for item in (data if isinstance(data, list) else [data]) if item]


def _sloppy(value: Any, gaps: list[str]) -> str:
    """``value`` as JSON, with a gap after each token outside strings."""
    text = "".join(json.JSONEncoder().iterencode(value))
    parts, in_string, was_escaped = [], False, False
    for at, char in enumerate(text):
        parts.append(char)
        if char == '"' and not was_escaped:
            in_string = not in_string
        was_escaped = char == "\\" and not was_escaped
        if not in_string and char in '[{,"':
            parts.append(gaps[at % len(gaps)])
    return "".join(parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": 1,}', {"a": 1}),
        ("[1, 2, /* three */ ]", [1, 2]),
        ('// first\n{"a": "http://x/"} // last', {"a": "http://x/"}),
        ('<!-- begin -->\n{"a": "/* kept, */"}', {"a": "/* kept, */"}),
        ('{"a": "\\",}"}', {"a": '",}'}),
        ('{"a": 1} /* no end', {"a": 1}),
        ('"text"', None),
        ("3", None),
    ],
)
def test_lenient_json(text: str, expected: Any) -> None:
    assert parse_lenient_json(text) == expected


@pytest.mark.parametrize("text", ["", "{not json", '{"a": "x', '{"a" 1}', "a/b", "[1,,]"])
def test_other_mistakes_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        parse_lenient_json(text)


@given(_json, _gaps)
def test_the_same_as_extruct(value: Any, gaps: list[str]) -> None:
    text = _sloppy(value, gaps)
    try:
        expected = _extruct(text)
    except ValueError:
        return
    assert _ours(text) == expected


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 10**6, '{"' + "\\" * 10**6, "/*" * 10**6, ", " * 10**6]
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        parse_lenient_json(text)
    assert time.monotonic() - began < 2
