from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.http.json_body import MAX_DEPTH, parse_json
from services.query.http.problems import Problem, Problems

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def problem_of(payload: bytes) -> Problem:
    with pytest.raises(Problem) as raised:
        parse_json(payload)
    return raised.value


@given(VALUES, st.booleans())
def test_json_is_read(value: Any, ascii_only: bool) -> None:
    payload = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False).encode("utf-8")
    if depth(value) > MAX_DEPTH:
        assert problem_of(payload).kind is Problems.MALFORMED_JSON
    else:
        assert parse_json(payload) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_problem(payload: bytes) -> None:
    try:
        value = parse_json(payload)
    except Problem:
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
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": {"b": [-1e999]}}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',  # a surrogate in UTF-8
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 8000,
        b'{"a":' * 2000,
        b'{"k": ' + b"9" * 5000 + b"}",
        b'{"a": "tab\there"}',
        b'{"a": "\\u12"}',
        b'{"a": "\\x41"}',
    ],
)
def test_malformed_json_is_refused_without_an_echo(payload: bytes) -> None:
    problem = problem_of(payload)
    assert problem.kind is Problems.MALFORMED_JSON
    assert "here" not in problem.detail


@pytest.mark.parametrize(
    "text", ["\\ud800", "a\\ud800b", "\\udc00\\ud800", "\\ud800\\u0041", "\\ud800\\n", "\\udfff"]
)
def test_a_lone_surrogate_is_invalid_text(text: str) -> None:
    for payload in (f'{{"a": "{text}"}}', f'{{"{text}": 1}}'):
        problem = problem_of(payload.encode())
        assert problem.kind is Problems.INVALID_REQUEST
        assert [error.message for error in problem.errors or []] == [
            "Lone surrogates are not allowed"
        ]


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse_json(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_depth_counts_brackets_outside_strings_only() -> None:
    assert parse_json(b'{"a": "[[[[[[[[[[{{{{{{{\\"[[[["}') == {"a": '[[[[[[[[[[{{{{{{{"[[[['}
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert depth(parse_json(deepest)) == MAX_DEPTH


def test_the_last_of_duplicate_keys_counts() -> None:
    assert parse_json(b'{"a": 1, "a": 2}') == {"a": 2}
