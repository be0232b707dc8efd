"""The movies that a catalogue keeps in memory: the latest ones, within a bound of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.snapshot.files import catalogue
from shared.snapshot.files.catalogue import Catalogue, CatalogueMovie, CatalogueWriter

MOST_BYTES = 5_000
# Movies with an odd row count as 1088 bytes, those with an even one as 2888.
MOVIES = [
    CatalogueMovie(
        movie_id=f"m{row}",
        description="x" * (20 if row % 2 else 470),
        row=row,
        review_count=0,
        passage_start=0,
        passage_count=0,
    )
    for row in range(6)
]
HUGE = CatalogueMovie(
    movie_id="huge",
    description="x" * MOST_BYTES,
    row=6,
    review_count=0,
    passage_start=0,
    passage_count=0,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite"
    with CatalogueWriter(path) as writer:
        for movie in (*MOVIES, HUGE):
            writer.add_movie(movie)
    return path


@pytest.fixture(autouse=True)
def _small_cache() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "_CACHE_BYTES", MOST_BYTES)
        yield


@given(st.lists(st.lists(st.integers(0, 6), max_size=4), max_size=20))
def test_every_read_is_right_and_the_cache_stays_within_its_bound(
    path: Path, reads: list[list[int]]
) -> None:
    with closing(Catalogue(path)) as opened:
        for rows in reads:
            assert opened.movies(rows) == [(*MOVIES, HUGE)[row] for row in rows]
            assert sum(map(catalogue._size_bytes, opened._cache.values())) <= MOST_BYTES


def test_the_movie_that_was_not_read_for_longest_goes_first(path: Path) -> None:
    with closing(Catalogue(path)) as opened:
        first, second = opened.movies([1, 3])
        assert opened.movies([1])[0] is first
        opened.movies([0])  # takes the place of the second one
        assert opened.movies([1])[0] is first
        assert opened.movies([3])[0] is not second


def test_a_movie_larger_than_the_cache_is_read_each_time(path: Path) -> None:
    with closing(Catalogue(path)) as opened:
        [kept] = opened.movies([1])
        opened.movies([6])
        assert 6 not in opened._cache
        assert opened.movies([1])[0] is kept
