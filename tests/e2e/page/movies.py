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

CAST = (
    SampleMovie(
        "tt1",
        ("Robots sing in a cold and gory factory.",),
        title="Tin Choir",
        year=1994,
        genres=("Sci-Fi", "Drama"),
        directors=("Ida Vargson",),
        countries=("France",),
        runtime_minutes=82,
    ),
    SampleMovie(
        "tt2",
        ("A scary night on a cold island.",),
        title="The Pale Corridor",
        year=1997,
        genres=("Horror",),
        directors=("Milo Trent",),
        people=("Ida Vargson",),
        countries=("France",),
        runtime_minutes=121,
    ),
    SampleMovie(
        "tt3",
        ("A gentle laugh about florists who box for a garden.",),
        title="Gloves and Roses",
        year=2011,
        genres=("Comedy",),
        directors=("Milo Trent",),
        runtime_minutes=95,
    ),
)
"""Movies with facts to understand."""


def numbered(count: int) -> list[SampleMovie]:
    """Movies that match a search for "words"."""
    return [SampleMovie(f"tt{n:03}", (f"Words number {n}.",)) for n in range(count)]
