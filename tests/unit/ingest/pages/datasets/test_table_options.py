"""Options of a source's tables, each by itself; all rows are invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.ingest.pages.datasets.dataset_items import Dataset
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.unread import Unread
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.dataset import items_of

MOVIES = "id,title,year\n1,The Pier,1988\n2,Fog,2001\n3,No Year,\ntt0055501,Known,1999\n"
REVIEWS = "id,movie,text\na,1,Salt.\nb,2,Grey.\nc,3,Odd.\nd,tt0055501,Good.\n"


def read(folder: Path, **options: Any) -> tuple[list[MovieItem], list[ReviewItem]]:
    (folder / "movies.csv").write_text(MOVIES)
    (folder / "reviews.csv").write_text(REVIEWS)
    tables = {
        "movies": {"path": folder / "movies.csv"}, "reviews": {"path": folder / "reviews.csv"}
    }  # fmt: skip
    options = {**tables, **options}
    columns = {"movie_id": "id", "title": "title", "year": "year"}
    movies = {**options.pop("movies"), "columns": columns}
    review_columns = {"movie_id": "movie", "text": "text", "review_id": "id"}
    reviews = {**options.pop("reviews"), "columns": review_columns}
    named = {"name": "s", "spider": "dataset", "movies": movies, "reviews": reviews}
    source = DatasetSource.model_validate({**named, **options})
    unread: list[Unread] = []
    items = list(items_of(Dataset(source, unread.append)))
    assert unread == []
    return (
        [item for item in items if isinstance(item, MovieItem)],
        [item for item in items if isinstance(item, ReviewItem)],
    )


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        (False, ["1", "2", "3", "tt0055501"]),
        (True, ["title:the-pier-1988", "title:fog-2001", "3", "tt0055501"]),
    ],
)
def test_join_movies_names_movies_by_title_and_year(
    tmp_path: Path, join: bool, expected: list[str]
) -> None:
    """Also for the reviews, which name their movies by the source's ids."""
    movies, reviews = read(tmp_path, join_movies=join)
    named = [name if ":" in name or name.startswith("tt") else f"s:{name}" for name in expected]
    assert [movie.movie_id for movie in movies if movie.title] == named
    assert [review.movie_id for review in reviews] == named


def test_only_leaves_out_rows_without_counting_them_as_unread(tmp_path: Path) -> None:
    table = {"path": tmp_path / "movies.csv", "only": {"title": ["The Pier", "Fog"]}}
    movies, _ = read(tmp_path, movies=table)
    assert [movie.title for movie in movies if movie.year] == ["The Pier", "Fog"]


def test_escape_takes_the_meaning_from_the_next_character(tmp_path: Path) -> None:
    path = tmp_path / "escaped.csv"
    path.write_text('id,movie,text\na,1,"She said \\"salt\\", twice."\n')
    _, reviews = read(tmp_path, reviews={"path": path, "escape": "\\"})
    assert [review.text for review in reviews] == ['She said "salt", twice.']
