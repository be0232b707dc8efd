"""A catalogue that was written before a fact was declared, changed by the version that knows it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.snapshot.files.catalogue import (
    Catalogue,
    CatalogueMovie,
    CatalogueReview,
    CatalogueWriter,
)
from shared.snapshot.files.catalogue_editor import CatalogueEditor


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """One movie, in a file that knows neither its running time, nor its cast, nor spoilers."""
    path = tmp_path / "base.sqlite"
    with CatalogueWriter(path) as writer:
        writer.add_movie(movie(0, "tt1"))
        writer.add_review(CatalogueReview(row=0, review_id="r1", movie=0, text="Slow and warm."))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE movies DROP COLUMN runtime_minutes")
        connection.execute("ALTER TABLE movies DROP COLUMN people")
        connection.execute("ALTER TABLE movies DROP COLUMN poster")
        connection.execute("ALTER TABLE reviews DROP COLUMN spoiler")
    return path


def movie(
    row: int,
    movie_id: str,
    runtime: int | None = None,
    people: tuple[str, ...] = (),
    poster: str | None = None,
) -> CatalogueMovie:
    return CatalogueMovie(
        row=row, movie_id=movie_id, title=movie_id.upper(), runtime_minutes=runtime, people=people,
        review_count=1, passage_start=row, passage_count=1, poster=poster,
    )  # fmt: skip


def test_its_facts_are_read_as_unknown(base: Path) -> None:
    with closing(Catalogue(base)) as catalogue:
        [stored] = catalogue.movies([0])
        assert (stored.title, stored.runtime_minutes, stored.people) == ("TT1", None, ())
        assert (stored.poster, catalogue.posters()) == (None, set())
        assert [review.spoiler for review in catalogue.reviews_of(0)] == [None]


def test_a_changed_copy_has_the_new_facts_beside_the_old_movies(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.sqlite"
    with CatalogueEditor(path, base=base) as editor:
        editor.add_movie(movie(1, "tt2", runtime=95, people=("Ada Rossi",), poster="5f"))
        editor.add_review(
            CatalogueReview(row=1, review_id="r2", movie=1, text="The boat sinks.", spoiler=True)
        )
    with closing(Catalogue(path)) as catalogue:
        old, new = catalogue.movies([0, 1])
        assert (old.title, old.runtime_minutes, old.people) == ("TT1", None, ())
        assert (new.runtime_minutes, new.people) == (95, ("Ada Rossi",))
        assert (old.poster, new.poster, catalogue.posters()) == (None, "5f", {"5f"})
        assert [review.spoiler for review in catalogue.reviews_of(1)] == [True]
    with closing(Catalogue(base)) as untouched:
        assert untouched.movie("tt2") is None
