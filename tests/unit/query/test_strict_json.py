from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.http.strict_json import MAX_DEPTH, MAX_DIGITS, JsonMalformed, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(VALUES, st.booleans())
def test_reads_what_strict_json_can_say(value: Any, ascii_only: bool) -> None:
    payload = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False)
    encoded = payload.encode("utf-8")
    if depth(value) > MAX_DEPTH:
        with pytest.raises(JsonMalformed):
            loads(encoded)
    else:
        assert loads(encoded) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_never_anything_else(payload: bytes) -> None:
    try:
        value = loads(payload)
    except JsonMalformed:
        return
    assert value == json.loads(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b'{"a": 1,}',
        b"{'a': 1}",
        b'{"a": 1} x',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',  # a surrogate in UTF-8
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 8000,
        b'{"a":' * 2000,
        b"1" * (MAX_DIGITS + 1),
        b'{"k": ' + b"9" * 5000 + b"}",
        b'{"a": "tab\there"}',
    ],
)
def test_refuses(payload: bytes) -> None:
    with pytest.raises(JsonMalformed):
        loads(payload)


def test_depth_counts_brackets_outside_strings_only() -> None:
    assert loads(b'{"a": "[[[[[[[[[[{{{{{{{\\"[[[["}') == {"a": '[[[[[[[[[[{{{{{{{"[[[['}
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert depth(loads(deepest)) == MAX_DEPTH
