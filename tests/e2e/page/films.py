"""Films for the tests of the page."""

from __future__ import annotations

from tests.support.query.snapshots import Film

TITLES = (
    Film("tt1", ("Rain and robots.",), title="Amélie", year=2001, genres=("Comedy",), rating=8.3),
    Film(
        "tt2",
        ("Rain and boxers.",),
        title="The Amen Corner",
        year=1984,
        genres=("Drama",),
        rating=7.1,
    ),
    Film("tt3", ("Rain and war.",), title="Nobody", year=1999, genres=("Drama", "War"), rating=6.0),
)


def many(count: int) -> list[Film]:
    """Films that a search for "words" finds."""
    return [Film(f"tt{n:03}", (f"Words number {n}.",)) for n in range(count)]
