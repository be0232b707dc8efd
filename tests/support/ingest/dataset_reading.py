"""Reads the files of a dataset in tests, without a source around them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.ingest.pages.datasets.dataset_items import MOVIE_COLUMNS, REVIEW_COLUMNS, Dataset
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.unread import Unread
from services.ingest.sources.sources import DatasetSource, Target


def _ignore(_: Unread) -> None:
    """Most tests do not ask what could not be read."""


@dataclass(frozen=True)
class FileReading:
    """How the values of files are read.

    Attributes:
        columns: Field to column.
        rating_scale: The best rating.
        encoding: The encoding of the files.
        nulls: Further texts that stand for no value.
        note: Receives what could not be read.
    """

    columns: Mapping[Target, str] = field(default_factory=dict)
    rating_scale: float = 10.0
    encoding: str | None = None
    nulls: frozenset[str] = frozenset()
    note: Callable[[Unread], None] = _ignore

    def dataset(self, source: str = "s", **options: Any) -> Dataset:
        """The files as a dataset."""
        return Dataset(
            DatasetSource(
                name=source, spider="dataset", columns=self.columns, encoding=self.encoding,
                rating_scale=self.rating_scale, nulls=tuple(self.nulls), **options,
            ),
            self.note,
        )  # fmt: skip


PLAIN = FileReading()


def check_files(movies: Path, reviews: Path | None, reading: FileReading = PLAIN) -> None:
    """Check the files of a source as its spider does before it reads them."""
    reading.dataset(movies=movies, reviews=reviews)


def read_movies(path: Path, source: str, reading: FileReading = PLAIN) -> Iterator[MovieItem]:
    """The movies of a file."""
    return _only(reading, MOVIE_COLUMNS).dataset(source, movies=path).movies()


def read_reviews(
    path: Path, source: str, *, per_movie: int = 0, reading: FileReading = PLAIN
) -> Iterator[tuple[ReviewItem, str | None]]:
    """The reviews of a file, each with the title of its movie if the row has it."""
    only = _only(reading, REVIEW_COLUMNS)
    for reviewed in only.dataset(source, reviews=path, reviews_per_movie=per_movie).reviews():
        yield reviewed.review, reviewed.title


def _only(reading: FileReading, known: Collection[Target]) -> FileReading:
    """Without the columns of fields that only the other file has."""
    columns = {field: name for field, name in reading.columns.items() if field in known}
    return replace(reading, columns=columns)
