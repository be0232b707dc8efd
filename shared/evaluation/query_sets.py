"""Judged queries on disk, in BEIR's layout.

::

    <folder>/queries.jsonl    one object a line: "_id", "text", optionally "avoid", "kind", "must"
    <folder>/qrels.tsv        a header, then query-id, corpus-id (a movie id), score

A score above 0 says that the movie is relevant (and how much), -1 that it must not appear, 0 that
it is neither. ``"must"`` says what movies must be (``constraints``); such a query needs no judged
movies. ``"kind"`` names a group of queries that is also measured by itself. Other keys of a query
are ignored. Anything else that cannot be read is an error with its file and line, because a query
that is silently lost would change every figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from shared.evaluation.constraints import Constraint, ConstraintInvalid, parse_constraint

QUERIES = "queries.jsonl"
JUDGEMENTS = "qrels.tsv"

_KIND = re.compile(r"[\w.-]+")


class QuerySetInvalid(ValueError):
    """Raised when a folder is no set of judged queries; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes:
        query_id: Its id.
        text: The text of the query.
        avoid: A description of what to avoid, in a field of its own.
        kind: The group of the set that it belongs to.
        must: What movies must be.
    """

    query_id: str
    text: str
    avoid: str | None = None
    kind: str | None = None
    must: Constraint | None = None


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Judged queries.

    Attributes:
        name: The name of its folder.
        queries: The queries in the order of the file.
        judgements: By query id, the score of each judged movie by its id.
        remarks: What was left out, and why, for display.
    """

    name: str
    queries: tuple[Query, ...]
    judgements: Mapping[str, Mapping[str, int]]
    remarks: tuple[str, ...] = field(default=())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its queries, in the order of the file."""
        return tuple(dict.fromkeys(query.kind for query in self.queries if query.kind is not None))

    def of_kind(self, kind: str) -> QuerySet:
        """The queries of a kind, as the set ``NAME/KIND``."""
        queries = tuple(query for query in self.queries if query.kind == kind)
        judgements = {query.query_id: self.judgements[query.query_id] for query in queries}
        return QuerySet(f"{self.name}/{kind}", queries, judgements)

    def movie_ids(self) -> frozenset[str]:
        """The ids of all judged movies."""
        return frozenset(movie_id for judged in self.judgements.values() for movie_id in judged)

    def among(self, movie_ids: frozenset[str]) -> QuerySet:
        """The set for these movies.

        Queries that say what movies must be stay; of the others, those without a relevant movie
        among these are left out.
        """
        judgements = {
            query_id: {movie: score for movie, score in judged.items() if movie in movie_ids}
            for query_id, judged in self.judgements.items()
        }
        kept = tuple(
            query for query in self.queries if _is_measurable(query, judgements[query.query_id])
        )
        remarks = list(self.remarks)
        missing = len(self.movie_ids() - movie_ids)
        if missing:
            remarks.append(f"{missing} of {len(self.movie_ids())} judged movies are missing")
        if len(kept) < len(self.queries):
            remarks.append(
                f"{len(self.queries) - len(kept)} of {len(self.queries)} queries are left out: "
                "all their relevant movies are missing"
            )
        return replace(
            self,
            queries=kept,
            judgements={query.query_id: judgements[query.query_id] for query in kept},
            remarks=tuple(remarks),
        )


def read_query_sets(folder: Path) -> list[QuerySet]:
    """Read the set in a folder, or those in its subfolders, sorted by name.

    Raises:
        QuerySetInvalid: there is none, or one of them cannot be read.
    """
    if (folder / QUERIES).is_file():
        return [read_query_set(folder)]
    folders = sorted(path.parent for path in folder.glob(f"*/{QUERIES}"))
    if not folders:
        raise QuerySetInvalid(f"{folder}: no {QUERIES} in it or in its subfolders")
    return [read_query_set(path) for path in folders]


def read_query_set(folder: Path) -> QuerySet:
    """Read the set in a folder.

    Raises:
        QuerySetInvalid: it cannot be read.
    """
    queries = _queries(folder / QUERIES)
    known = {query.query_id for query in queries}
    judgements: dict[str, dict[str, int]] = {query_id: {} for query_id in known}
    unknown: set[str] = set()
    path = folder / JUDGEMENTS
    without = all(query.must is not None for query in queries) and not path.exists()
    for query_id, movie_id, score, place in () if without else _judgements(path):
        if query_id not in known:
            unknown.add(query_id)
        elif movie_id in judgements[query_id]:
            raise QuerySetInvalid(f"{place}: {query_id} and {movie_id} are judged twice")
        else:
            judgements[query_id][movie_id] = score
    judged = tuple(query for query in queries if _is_measurable(query, judgements[query.query_id]))
    if not judged:
        raise QuerySetInvalid(f"{path}: no query has a movie with a score above 0")
    remarks = []
    if unknown:
        remarks.append(f"{len(unknown)} judged queries are not in {QUERIES}")
    if len(judged) < len(queries):
        remarks.append(
            f"{len(queries) - len(judged)} queries are left out: they have no relevant movie"
        )
    return QuerySet(
        folder.resolve().name,
        judged,
        {query.query_id: judgements[query.query_id] for query in judged},
        tuple(remarks),
    )


def write_query_set(folder: Path, query_set: QuerySet) -> Path:
    """Write a set in the layout above, for example one that was made from another.

    Args:
        folder: The folder of the set's folder.
        query_set: The set.

    Returns:
        The set's folder.
    """
    written = folder / query_set.name
    written.mkdir(parents=True, exist_ok=True)
    rows = []
    for query in query_set.queries:
        parts = {"avoid": query.avoid, "kind": query.kind, "must": query.must}
        known = {name: part for name, part in parts.items() if part is not None}
        rows.append(orjson.dumps({"_id": query.query_id, "text": query.text, **known}) + b"\n")
    lines = [
        f"{query_id}\t{movie_id}\t{score}\n"
        for query_id, judged in query_set.judgements.items()
        for movie_id, score in judged.items()
    ]
    (written / QUERIES).write_bytes(b"".join(rows))
    text = "query-id\tcorpus-id\tscore\n" + "".join(lines)
    (written / JUDGEMENTS).write_text(text, encoding="utf-8")
    return written


def _is_measurable(query: Query, judged: Mapping[str, int]) -> bool:
    return query.must is not None or any(score > 0 for score in judged.values())


def _queries(path: Path) -> list[Query]:
    queries = []
    seen: set[str] = set()
    for place, line in _lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise QuerySetInvalid(f"{place}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise QuerySetInvalid(f"{place}: not an object")
        for name, required in (("_id", True), ("text", True), ("avoid", False), ("kind", False)):
            value = row.get(name)
            if value is None and not required:
                continue
            if not isinstance(value, str) or not value.strip():
                raise QuerySetInvalid(f'{place}: "{name}" must be a string that is not empty')
        if row["_id"] in seen:
            raise QuerySetInvalid(f"{place}: the id {row['_id']} occurs twice")
        seen.add(row["_id"])
        queries.append(_query(row, place))
    if not queries:
        raise QuerySetInvalid(f"{path}: no queries")
    return queries


def _query(row: dict[str, Any], place: str) -> Query:
    kind, must = row.get("kind"), row.get("must")
    if kind is not None and not _KIND.fullmatch(kind):
        raise QuerySetInvalid(
            f'{place}: "kind" must consist of letters, digits, ".", "_" and "-", not {kind!r}'
        )
    try:
        constraint = None if must is None else parse_constraint(must)
    except ConstraintInvalid as error:
        raise QuerySetInvalid(f'{place}: "must" {error}') from error
    return Query(row["_id"], row["text"], row.get("avoid"), kind, constraint)


def _judgements(path: Path) -> Iterator[tuple[str, str, int, str]]:
    for number, (place, line) in enumerate(_lines(path)):
        cells = line.split("\t")
        if len(cells) != 3:
            raise QuerySetInvalid(f"{place}: {len(cells)} columns, not query-id, corpus-id, score")
        query_id, movie_id, score = (cell.strip() for cell in cells)
        try:
            value = int(score)
        except ValueError:
            if number == 0:
                continue  # the header
            raise QuerySetInvalid(f"{place}: the score {score!r} is not a whole number") from None
        if not query_id or not movie_id:
            raise QuerySetInvalid(f"{place}: an id is empty")
        if value < -1:
            raise QuerySetInvalid(f"{place}: the score {value} is below -1")
        yield query_id, movie_id, value, place


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines that are not blank, each with its file and number."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuerySetInvalid(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise QuerySetInvalid(f"{path}: not UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path}, line {number}", line.rstrip("\r")
