from __future__ import annotations

from pathlib import Path

import pytest

from shared.evaluation.constraints import Constraint
from shared.evaluation.query_sets import (
    Query,
    QuerySet,
    QuerySetInvalid,
    read_query_set,
    read_query_sets,
)
from shared.evaluation.query_sets import write_query_set as write_whole_set
from tests.support.query.query_sets import write_query_set

HEADER = "query-id\tcorpus-id\tscore\n"
ONE = '{"_id": "a", "text": "space", "avoid": "war", "metadata": {}}\n'


def folder_of(tmp_path: Path, queries: str, judgements: str) -> Path:
    (tmp_path / "queries.jsonl").write_text(queries)
    (tmp_path / "qrels.tsv").write_text(judgements)
    return tmp_path


def test_queries_and_judgements_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, f"\ufeff{ONE}\n", f"{HEADER}a\ttt1\t2\r\na\ttt2\t-1\n")
    query_set = read_query_set(folder)
    assert query_set.name == tmp_path.name
    assert query_set.queries == (Query("a", "space", "war"),)
    assert query_set.judgements == {"a": {"tt1": 2, "tt2": -1}}
    assert query_set.remarks == ()


@pytest.mark.parametrize(
    ("queries", "judgements", "message"),
    [
        ('{"_id": "a"\n', "", "queries.jsonl, line 1: not JSON"),
        (f"{ONE}\n[]\n", "", "queries.jsonl, line 3: not an object"),
        ('{"text": "space"}\n', "", 'line 1: "_id" must be a string'),
        ('{"_id": "a", "text": " "}\n', "", 'line 1: "text" must be a string that is not empty'),
        ('{"_id": "a", "text": "b", "avoid": 3}\n', "", 'line 1: "avoid" must be a string'),
        (ONE + ONE, "", "line 2: the id a occurs twice"),
        ('{"_id": "a", "text": "b", "kind": 3}\n', "", 'line 1: "kind" must be a string'),
        ('{"_id": "a", "text": "b", "kind": "a/b"}\n', "", '"kind" must consist of letters'),
        ('{"_id": "a", "text": "b", "must": {"years": 1}}\n', "", 'line 1: "must" has the unknown'),
        ("\n", "", "queries.jsonl: no queries"),
        (ONE, f"{HEADER}a\ttt1\n", "qrels.tsv, line 2: 2 columns"),
        (ONE, f"{HEADER}a\ttt1\tgood\n", "qrels.tsv, line 2: the score 'good'"),
        (ONE, f"{HEADER}a\ttt1\t-2\n", "qrels.tsv, line 2: the score -2 is below -1"),
        (ONE, f"{HEADER}a\t \t1\n", "qrels.tsv, line 2: an id is empty"),
        (ONE, f"{HEADER}a\ttt1\t1\na\ttt1\t0\n", "line 3: a and tt1 are judged twice"),
        (ONE, f"{HEADER}a\ttt1\t-1\n", "no query has a movie with a score above 0"),
    ],
)
def test_an_unreadable_set_is_rejected_with_its_place(
    tmp_path: Path, queries: str, judgements: str, message: str
) -> None:
    with pytest.raises(QuerySetInvalid) as refused:
        read_query_set(folder_of(tmp_path, queries, judgements))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_queries_that_say_what_movies_must_be_need_no_judgements(tmp_path: Path) -> None:
    ask = '{"_id": "b", "text": "90s", "must": {"year": [1990, 1999]}, "kind": "years"}\n'
    expected = Query("b", "90s", kind="years", must=Constraint(year=(1990, 1999)))
    (tmp_path / "queries.jsonl").write_text(ask)
    alone = read_query_set(tmp_path)
    assert alone.queries == (expected,)
    assert alone.among(frozenset()).queries == (expected,)
    mixed = read_query_set(folder_of(tmp_path, ONE + ask, f"{HEADER}a\ttt1\t1\n"))
    assert [query.query_id for query in mixed.queries] == ["a", "b"]
    assert mixed.kinds == ("years",)
    assert mixed.of_kind("years") == QuerySet(f"{tmp_path.name}/years", (expected,), {"b": {}})
    (tmp_path / "qrels.tsv").unlink()
    with pytest.raises(QuerySetInvalid, match=r"qrels\.tsv: No such file"):
        read_query_set(tmp_path)


def test_a_written_set_is_read_back(tmp_path: Path) -> None:
    queries = (
        Query("a", "un été à Paris", avoid="war", kind="typo"),
        Query("b", "90s", must=Constraint((1990, 1999), ("Comedy",), ("Romance",))),
        Query("c", "long", must=Constraint(genres=("Drama",))),
    )
    whole = QuerySet("whole", queries, {"a": {"tt1": 2, "tt2": -1}, "b": {}, "c": {}})
    assert read_query_set(write_whole_set(tmp_path, whole)) == whole


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(QuerySetInvalid, match=r"no queries\.jsonl in it or in its subfolders"):
        read_query_sets(tmp_path)
    (tmp_path / "queries.jsonl").write_text(ONE)
    with pytest.raises(QuerySetInvalid, match=r"qrels\.tsv: No such file"):
        read_query_sets(tmp_path)
    (tmp_path / "queries.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(QuerySetInvalid, match="not UTF-8"):
        read_query_sets(tmp_path)


def test_a_folder_of_sets_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_query_set(tmp_path / name, {"q": "space"}, {"q": {"tt1": 1}})
    assert [query_set.name for query_set in read_query_sets(tmp_path)] == ["a", "b"]


def test_skipped_queries_are_remarked(tmp_path: Path) -> None:
    write_query_set(
        tmp_path,
        {"a": "space", "b": "boats", "c": "not judged", "d": "only unwanted"},
        {"a": {"tt1": 1, "tt2": 1}, "b": {"tt3": 1}, "d": {"tt1": -1}, "gone": {"tt1": 1}},
    )
    query_set = read_query_set(tmp_path)
    assert [query.query_id for query in query_set.queries] == ["a", "b"]
    assert query_set.remarks == (
        "1 judged queries are not in queries.jsonl",
        "2 queries are left out: they have no relevant movie",
    )
    here = query_set.among(frozenset({"tt2", "tt9"}))
    assert [query.query_id for query in here.queries] == ["a"]
    assert here.judgements == {"a": {"tt2": 1}}
    assert here.remarks[2:] == (
        "2 of 3 judged movies are missing",
        "1 of 2 queries are left out: all their relevant movies are missing",
    )
