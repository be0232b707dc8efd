"""Turns the rows of the tables of a dataset into items, in constant memory.

A value that cannot be read costs its field, a row that cannot be read costs the row, and both are
passed to ``note``: nothing is lost silently. Rows that ``only`` leaves out are no rows of a table.

Keeping only some reviews of each movie takes two passes: the first reads ids and ratings, the
second the texts of the picked rows, so that the file may be in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.movie_ids import MovieIds
from services.ingest.pages.datasets.review_ids import ROWS_COMPARED, are_within_movies
from services.ingest.pages.datasets.row_fields import RowFields
from services.ingest.pages.datasets.table_columns import (
    MOVIE_COLUMNS,
    REVIEW_COLUMNS,
    open_table,
    require_somewhere,
)
from services.ingest.pages.datasets.table_lookups import LookupStore, MemoryStore, key_of
from services.ingest.pages.datasets.table_reader import TableReader
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import excerpt
from services.ingest.pages.values.written_titles import parted_title
from services.ingest.sources.dataset_tables import MovieTable, ReviewTable
from services.ingest.sources.sources import DatasetSource

__all__ = ["MOVIE_COLUMNS", "REVIEW_COLUMNS", "Dataset", "DatasetInvalid", "Reviewed"]

Note = Callable[[Unread], None]
_Picked = dict[int, set[int]]  # number of the table to the numbers of its rows


class Reviewed(NamedTuple):
    """A review, and what its row says of the movie.

    Attributes:
        review: The review.
        title: The title of the movie, perhaps with the year behind it.
        year: The year of the movie.
    """

    review: ReviewItem
    title: str | None
    year: int | None

    def movie(self) -> MovieItem:
        """The movie, as far as the row of the review describes it."""
        named = self.review.movie_id
        if self.title is None:
            return MovieItem(movie_id=named, year=self.year)
        parted = parted_title(self.title)
        return MovieItem(movie_id=named, title=parted.title, year=self.year or parted.year)


class Dataset:
    """The tables of a source, opened and checked.

    Args:
        source: The source.
        note: Receives what could not be read.
        make_store: Makes the store of each table that is looked up.
        most_rows: For a trial, the most rows of each table to read; None for all.

    Raises:
        DatasetInvalid: a file is missing or damaged, or lacks a column.
    """

    def __init__(
        self,
        source: DatasetSource,
        note: Note,
        *,
        make_store: Callable[[], LookupStore] = MemoryStore,
        most_rows: int | None = None,
    ) -> None:
        movies = source.movie_table
        self._source = source
        self._note = note
        self.movie_table = (
            OpenTable(movies, source, note, make_store, most_rows) if movies else None
        )
        self.review_tables = tuple(
            OpenTable(table, source, note, make_store, most_rows) for table in source.review_tables
        )
        self._crosswalks: dict[str, dict[str, str]] = {}
        tables = [*([self.movie_table] if self.movie_table else []), *self.review_tables]
        require_somewhere([table.reader for table in tables], source.columns)
        for reviews in self.review_tables:
            column = _join_column(reviews.table)
            movie_reader = self.movie_table.reader if self.movie_table else None
            if column is None:
                continue
            if movie_reader is None:
                raise DatasetInvalid(f"{reviews.reader.path}: join needs a table of movies")
            if not movie_reader.has(column):
                raise DatasetInvalid(f"{movie_reader.path}: has no column {column} (join)")

    def movies(self) -> Iterator[MovieItem]:
        """The movies in their order.

        Raises:
            DatasetInvalid: a table that is looked up cannot be read.
        """
        table = self.movie_table
        if table is None:
            return
        for row in table.rows(self._note):
            named = table.ids.read(row)
            if named is None:
                self._note(Unread("row", row.where, "names no movie", _shown(row)))
            else:
                yield _movie(table.fields, row, named)

    def reviews(self) -> Iterator[Reviewed]:
        """The reviews in their order, each with what its row says of the movie.

        Raises:
            DatasetInvalid: a table that is looked up cannot be read.
        """
        per_movie = self._source.reviews_per_movie
        picked = self._picked(per_movie) if per_movie else None
        is_prefixed = are_within_movies(islice(self._ids(), ROWS_COMPARED))
        for number, table in enumerate(self.review_tables):
            fields = table.fields
            for at, row in enumerate(table.rows(self._note)):
                named = self._movie_of(table, row)
                if named is None:
                    self._note(Unread("row", row.where, "names no movie", _shown(row)))
                    continue
                if picked is not None and at not in picked[number]:
                    continue
                own_id = fields.identifier(row, "review_id")
                review = ReviewItem(
                    movie_id=named,
                    text=fields.text(row, "text") or "",
                    external_id=f"{named}:{own_id}" if own_id and is_prefixed else own_id,
                    rating=fields.rating(row, "rating"),
                    title=fields.text(row, "title"),
                    author=fields.text(row, "author"),
                    published=fields.day(row, "published"),
                    url=fields.text(row, "url"),
                    language=fields.text(row, "language"),
                    spoiler=fields.truth(row, "spoiler"),
                )
                yield Reviewed(review, fields.text(row, "movie"), fields.year(row, "movie_year"))

    def _ids(self) -> Iterator[tuple[str, str]]:
        """The ids of the movie and of the review, of each row that has both."""
        for table in self.review_tables:
            if not table.fields.columns["review_id"]:
                continue
            silent = table.silent()
            for row in silent.rows(_ignore, "review_id"):
                review = silent.fields.identifier(row, "review_id")
                named = self._movie_of(silent, row) if review is not None else None
                if named is not None and review is not None:
                    yield named, review

    def _picked(self, per_movie: int) -> _Picked:
        """The rows to keep. Takes memory for three numbers per row, and for no text."""
        rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
        ratings: dict[str, list[float | None]] = defaultdict(list)
        for number, table in enumerate(self.review_tables):
            silent = table.silent()
            for at, row in enumerate(silent.rows(_ignore, "rating")):
                named = self._movie_of(silent, row)
                if named is not None:
                    rows[named].append((number, at))
                    ratings[named].append(silent.fields.rating(row, "rating"))
        picked: _Picked = defaultdict(set)
        for named, places in rows.items():
            for chosen in pick(ratings[named], per_movie):
                number, at = places[chosen]
                picked[number].add(at)
        return picked

    def _movie_of(self, table: OpenTable, row: NumberedRow) -> str | None:
        """The movie of a review: by the crosswalk of ``join``, or else by its own columns."""
        column = _join_column(table.table)
        if column is not None and isinstance(table.table, ReviewTable) and table.table.join:
            key = key_of(row.values, (table.table.join,))
            found = self._crosswalk(column).get(key) if key is not None else None
            if found is not None:
                return found
        named = table.ids.read(row)
        if named is not None and self._source.join_movies and self.movie_table is not None:
            return self._crosswalk("").get(named, named)
        return named

    def _crosswalk(self, column: str) -> dict[str, str]:
        """The id of each movie, by a column of its row; by its own id if the column is empty."""
        if column not in self._crosswalks:
            found: dict[str, str] = {}
            table = self.movie_table
            if table is not None:
                silent = table.silent()
                own = MovieIds(self._source.name, silent.fields)
                more = (column,) if column else ()
                for row in silent.rows(_ignore, "title", "year", more=more):
                    key = key_of(row.values, more) if column else own.read(row)
                    named = silent.ids.read(row)
                    if key is not None and named is not None and (column or key != named):
                        found.setdefault(key, named)
            self._crosswalks[column] = found
        return self._crosswalks[column]


class OpenTable:
    """A table, and how its rows are read.

    Args:
        table: Its options.
        source: The source that it belongs to.
        note: Receives what could not be read.
        make_store: Makes the store of each table that is looked up.
        most_rows: For a trial, the most rows to read.

    Raises:
        DatasetInvalid: a file is missing or damaged, or lacks a column.
    """

    def __init__(
        self,
        table: MovieTable | ReviewTable,
        source: DatasetSource,
        note: Note,
        make_store: Callable[[], LookupStore],
        most_rows: int | None = None,
    ) -> None:
        self.table = table
        self._source = source
        self.reader: TableReader
        self.reader, columns = open_table(table, source.columns, note, make_store, most_rows)
        self._read_by(RowFields(table, columns, note))

    def silent(self) -> OpenTable:
        """The same table, for a pass over rows that are read again."""
        again = object.__new__(OpenTable)
        again.table, again.reader, again._source = self.table, self.reader, self._source
        again._read_by(self.fields.silent())
        return again

    def rows(self, note: Note, *fields: str, more: tuple[str, ...] = ()) -> Iterator[NumberedRow]:
        """The rows that can be read; the others are noted.

        Args:
            note: Receives the others.
            fields: The fields that are needed besides the movie's id; default: all.
            more: Further columns that are needed.
        """
        only = None
        if fields:
            only = self.fields.columns_of("movie_id", *fields) | {*more}
            if isinstance(self.table, ReviewTable) and self.table.join:
                only.add(self.table.join)
            if self._source.join_movies:
                only |= self.fields.columns_of("title", "year", "movie", "movie_year")
        for row in self.reader.rows(only):
            if isinstance(row, Unread):
                note(row)
            else:
                yield row

    def _read_by(self, fields: RowFields) -> None:
        self.fields = fields
        self.ids = MovieIds(self._source.name, fields, by_title=self._source.join_movies)


def _join_column(table: MovieTable | ReviewTable) -> str | None:
    """The column of the movies by which reviews name them; None without ``join``."""
    return (table.join_on or table.join) if isinstance(table, ReviewTable) else None


def _movie(fields: RowFields, row: NumberedRow, named: str) -> MovieItem:
    title = fields.text(row, "title")
    parted = parted_title(title) if title is not None else None
    released = fields.year(row, "year")
    if parted is not None and released is not None and parted.year not in {None, released}:
        parted = None  # the brackets belong to the title
    if parted is not None:
        title, released = parted.title, released or parted.year
    return MovieItem(
        movie_id=named,
        title=title,
        year=released,
        genres=fields.names(row, "genres"),
        directors=fields.names(row, "directors"),
        description=fields.text(row, "description"),
        rating=fields.rating(row, "rating"),
        url=fields.text(row, "url"),
        original_title=fields.text(row, "original_title")
        or (parted.other if parted is not None else None),
        people=fields.names(row, "people"),
        countries=fields.names(row, "countries"),
        languages=fields.names(row, "languages"),
        keywords=fields.names(row, "keywords"),
        runtime_minutes=fields.minutes(row, "runtime_minutes"),
        votes=fields.count(row, "votes"),
        poster_url=fields.text(row, "poster_url"),
    )


def _shown(row: NumberedRow) -> str:
    return excerpt(" | ".join(str(value) for value in row.values.values()))


def _ignore(_: Unread) -> None:
    """A pass over a file that is read again says nothing."""
