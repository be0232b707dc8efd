"""The ids of the movies that rows name: each column of ids belongs to a space of ids. Pure.

Sources that name a movie in one space mean one movie: IMDb's ids, TMDB's numbers, MovieLens's
numbers, Letterboxd's names, Amazon's numbers, or title and year. Any other id is the source's own.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from services.ingest.pages.datasets.row_fields import RowFields
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.identifiers import imdb_movie_id, movie_id, spaced_id, titled_id
from services.ingest.pages.values.texts import ValueUnread, identifier
from services.ingest.pages.values.written_titles import parted_title
from services.ingest.sources.dataset_tables import IdSpace, MovieTable

_IMDB_NUMBER: Final = re.compile(r"(?:tt)?(\d{1,10})", re.IGNORECASE)
_IMDB_DIGITS: Final = 7


class MovieIds:
    """Reads the id of the movie that a row names.

    Args:
        source: The name of the source.
        fields: Reads the fields of the rows.
        by_title: Whether title and year, where both are known, take the place of ids of the
            source's own.
    """

    def __init__(self, source: str, fields: RowFields, *, by_title: bool = False) -> None:
        columns, spaces = fields.columns["movie_id"], fields.table.ids
        if len(spaces) != len(columns):
            spaces = (spaces[:1] or ("source",)) * len(columns)
        self._source = source
        self._fields = fields
        self._columns: tuple[tuple[str, IdSpace], ...] = tuple(zip(columns, spaces, strict=True))
        is_movies = isinstance(fields.table, MovieTable)
        self._title, self._year = ("title", "year") if is_movies else ("movie", "movie_year")
        self._by_title = by_title

    def read(self, row: NumberedRow) -> str | None:
        """The id in the first column that has one; None when no column has."""
        for column, space in self._columns:
            try:
                said = self._fields.found(row, "movie_id", column)
                said = identifier(said) if said is not None else None
                found = self._of(said, space, row) if said is not None else None
            except ValueUnread as error:
                self._fields.note(row, "movie_id", error)
                continue
            if found is not None:
                return found
        return None

    def _of(self, said: str, space: IdSpace, row: NumberedRow) -> str | None:
        if space == "source":
            own = movie_id(self._source, said)
            is_own = self._by_title and imdb_movie_id(said) is None
            return (self._titled(row) or own) if is_own else own
        if space == "imdb":
            return _imdb_id(said)
        if space == "title":
            title, year, _ = parted_title(said)
            return titled_id(title, self._fields.year(row, self._year) or year)
        if "://" in said:  # an address at the site, whose last part is the id
            said = urlsplit(said).path.rstrip("/").rpartition("/")[2] or said
        return spaced_id(space, said)

    def _titled(self, row: NumberedRow) -> str | None:
        said = self._fields.text(row, self._title)
        if said is None:
            return None
        title, year, _ = parted_title(said)
        year = self._fields.year(row, self._year) or year
        return titled_id(title, year) if year is not None else None


def _imdb_id(said: str) -> str:
    """An IMDb id, also one whose letters or leading zeros are missing.

    Raises:
        ValueUnread: it is something else.
    """
    match = _IMDB_NUMBER.fullmatch(said)
    if match is not None:
        return f"tt{match.group(1).lstrip('0').zfill(_IMDB_DIGITS)}"
    found = imdb_movie_id(said)
    if found is None:
        raise ValueUnread("an IMDb id", said)
    return found
