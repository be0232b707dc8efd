from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.typed_forms import FORMS, LEAST_LETTERS, one_slip, slipped, typed_avoid
from shared.evaluation.query_sets import Query, QuerySet, QuerySetInvalid


def test_what_to_avoid_is_typed_behind_the_text() -> None:
    queries = (Query("a", "war movies", avoid="romance"), Query("b", "space"))
    sets = QuerySet("avoid", queries, {"a": {"x": 1, "y": -1}, "b": {"z": 1}})
    typed = typed_avoid(sets)
    assert typed.name == "avoid-typed"
    assert typed.queries == (Query("a", "war movies but not romance"), Query("b", "space"))
    assert typed.judgements == sets.judgements


def test_a_set_without_anything_to_avoid_has_no_such_form() -> None:
    with pytest.raises(QuerySetInvalid, match="plot: no query has anything to avoid"):
        typed_avoid(QuerySet("plot", (Query("a", "space"),), {"a": {"x": 1}}))


def test_queries_without_a_word_for_a_slip_are_left_out() -> None:
    queries = (Query("a", "Ann Lee"), Query("b", "Maria Lee", kind="full"))
    slips = one_slip(QuerySet("people", queries, {"a": {"x": 1}, "b": {"y": 1}}))
    assert slips.name == "people-slip"
    [query] = slips.queries
    assert (query.query_id, query.kind) == ("b", "full")
    assert query.text.endswith(" Lee")
    assert query.text != "Maria Lee"
    assert slips.judgements == {"b": {"y": 1}}
    with pytest.raises(QuerySetInvalid, match="none of its queries has the form 'slip'"):
        FORMS["slip"](QuerySet("people", queries[:1], {"a": {"x": 1}}))


def distance(first: str, second: str) -> int:
    """Edits between two words: insertion, deletion, replacement, exchange of neighbours."""
    rows = [list(range(len(second) + 1))]
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            best = min(row[-1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and (a, first[i - 2]) == (second[j - 2], b):
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


@given(st.text("abcdefgé XZ'-", max_size=30), st.text(max_size=5))
def test_a_slip_is_one_edit_in_one_word(text: str, seed: str) -> None:
    slip = slipped(text, seed)
    assert slipped(text, seed) == slip
    words = text.replace("'", " ").replace("-", " ").split()
    if slip is None:
        assert all(len(word) < LEAST_LETTERS for word in words)
        return
    assert distance(text, slip) == 1
    changed = [
        (before, after)
        for before, after in zip(text.split(), slip.split(), strict=True)
        if before != after
    ]
    [(before, after)] = changed
    assert before[0] == after[0]
