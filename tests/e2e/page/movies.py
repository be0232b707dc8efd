"""Movies for the tests of the page."""

from __future__ import annotations

from tests.support.query.snapshots import SampleMovie

TITLED = (
    SampleMovie(
        "tt1", ("Rain and robots.",), title="Amélie", year=2001, genres=("Comedy",), rating=8.3
    ),
    SampleMovie(
        "tt2",
        ("Rain and boxers.",),
        title="The Amen Corner",
        year=1984,
        genres=("Drama",),
        rating=7.1,
    ),
    SampleMovie(
        "tt3", ("Rain and war.",), title="Nobody", year=1999, genres=("Drama", "War"), rating=6.0
    ),
)


def numbered(count: int) -> list[SampleMovie]:
    """Movies that match a search for "words"."""
    return [SampleMovie(f"tt{n:03}", (f"Words number {n}.",)) for n in range(count)]
