"""The columns from which the fields of movies and reviews are read, and what a table lacks.

A table's ``columns`` maps fields to other columns than the known ones: a mapped field is read from
these only. The ``columns`` of the whole source do the same for both tables; a field that both
tables have may be mapped for one of them: a table without that column is read by the known ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.table_lookups import LookupStore
from services.ingest.pages.datasets.table_reader import TableReader
from services.ingest.pages.unread import Unread
from services.ingest.sources.dataset_tables import MovieTable, ReviewTable, Target

_MOVIE_ID: Final = ("movie_id", "imdb_id")
MOVIE_COLUMNS: Final[Mapping[Target, tuple[str, ...]]] = {
    "movie_id": _MOVIE_ID,
    "title": ("movie_title", "title"),
    "description": ("movie_desc", "description"),
    "year": ("year",),
    "genres": ("genres",),
    "directors": ("directors", "director"),
    "rating": ("rating",),
    "url": ("url",),
    "original_title": ("original_title",),
    "people": ("people", "cast", "actors"),
    "countries": ("countries", "country"),
    "languages": ("languages",),
    "keywords": ("keywords",),
    "runtime_minutes": ("runtime_minutes", "runtime"),
    "votes": ("votes", "vote_count"),
    "poster_url": ("poster_url",),
}
REVIEW_COLUMNS: Final[Mapping[Target, tuple[str, ...]]] = {
    "movie_id": _MOVIE_ID,
    "text": ("user_review", "text", "review"),
    "review_id": ("review_id",),
    "rating": ("rating",),
    "title": ("title",),
    "author": ("author",),
    "published": ("published", "date"),
    "url": ("user_review_permalink", "url"),
    "language": ("language",),
    "spoiler": ("spoiler",),
    "movie": ("movie",),
    "movie_year": ("movie_year",),
}
_MOST_LISTED: Final = 30
FieldColumns = Mapping[str, tuple[str, ...]]


def open_table(
    table: MovieTable | ReviewTable,
    shared: Mapping[Target, str],
    note: Callable[[Unread], None],
    make_store: Callable[[], LookupStore],
    most_rows: int | None = None,
) -> tuple[TableReader, FieldColumns]:
    """Open a table, and find the columns of its fields.

    Args:
        table: Its options.
        shared: The ``columns`` of the source.
        note: Receives rows of lookups that cannot be read.
        make_store: Makes the store of each lookup.
        most_rows: For a trial, the most rows to read.

    Returns:
        The reader, and field to the columns from which it may be read.

    Raises:
        DatasetInvalid: a file is missing or damaged, or lacks a column.
    """
    is_movies = isinstance(table, MovieTable)
    known = MOVIE_COLUMNS if is_movies else REVIEW_COLUMNS
    of_both = REVIEW_COLUMNS if is_movies else MOVIE_COLUMNS
    own: Mapping[Target, tuple[str, ...]] = table.columns
    join = table.join if isinstance(table, ReviewTable) else None
    wanted = {name for names in [*known.values(), *own.values()] for name in names}
    wanted |= {*shared.values(), *([join] if join else [])}
    reader = TableReader(table, sorted(wanted), note, make_store, most_rows)
    columns: dict[str, tuple[str, ...]] = {}
    for field, names in known.items():
        if field in own:
            columns[field] = own[field]
        elif field == "movie_id" and join is not None:
            columns[field] = (join,)
        elif field not in shared:
            columns[field] = names
        elif reader.has(shared[field]):
            columns[field] = (shared[field],)
        elif reader.has_all_headings:
            columns[field] = names if field in of_both else (shared[field],)
        else:  # a later row may have the key
            columns[field] = (shared[field], *(names if field in of_both else ()))
    _require(reader, columns, shared)
    if not reader.has_all_headings:
        return reader, columns
    return reader, {
        # Without the columns that the table lacks; ``ids`` counts those of the movie.
        field: names if field == "movie_id" else tuple(filter(reader.has, names))
        for field, names in columns.items()
    }


def require_somewhere(readers: Sequence[TableReader], shared: Mapping[Target, str]) -> None:
    """Check that some table has each column that the source's ``columns`` name.

    Raises:
        DatasetInvalid: none has.
    """
    if not all(reader.has_all_headings for reader in readers):
        return  # a row need not have every key
    for field, name in shared.items():
        if not any(reader.has(name) for reader in readers):
            first, *others = [reader.path for reader in readers]
            nor = "".join(f", nor has {path}" for path in others)
            raise DatasetInvalid(f"{first}: has no column {name} (columns.{field}){nor}")


def _require(reader: TableReader, columns: FieldColumns, shared: Mapping[Target, str]) -> None:
    """Check that a table has its required columns, and those that its options name.

    Raises:
        DatasetInvalid: it has not.
    """
    table = reader.table
    named: Mapping[Target, tuple[str, ...]] = table.columns
    required: tuple[Target, ...] = ("movie_id",)
    if isinstance(table, ReviewTable):
        required = ("movie_id", "text")
    for field in required:
        names = columns[field]
        if any(map(reader.has, names)):
            continue
        setting = f" (columns.{field})" if field in named or field in shared else ""
        written = sorted(set(reader.headings().values()))[:_MOST_LISTED]
        why = ""
        if field == "movie_id" and isinstance(table, ReviewTable) and not setting:
            why = "; no column says to which movie a review belongs"
        raise DatasetInvalid(
            f"{reader.path}: has no column {' or '.join(names) or field}{setting}; it has "
            f"{', '.join(written) or 'none'}{why}"
        )
    if reader.has_all_headings:
        for name in table.required:
            if not reader.has(name):
                raise DatasetInvalid(f"{reader.path}: has no column {name} (required)")
        for key, names in named.items():
            if names and not any(map(reader.has, names)):
                raise DatasetInvalid(
                    f"{reader.path}: has no column {' or '.join(names)} (columns.{key})"
                )
