"""Running times."""

from __future__ import annotations

from shared.retrieval.filters import Range
from tests.unit.retrieval.interpretation.examples.example import understood

RUNTIMES = (
    understood(
        "sci-fi horror under 2 hours",
        genres_all=("Sci-Fi", "Horror"),
        runtime_minutes=Range(None, 119),
    ),
    understood(
        "horror movie less than 90 minutes", genres_any=("Horror",), runtime_minutes=Range(None, 89)
    ),
    understood(
        "thriller not longer than two hours",
        genres_any=("Thriller",),
        runtime_minutes=Range(None, 120),
    ),
    understood("under 90 minutes", runtime_minutes=Range(None, 89)),
    understood("less than two hours", runtime_minutes=Range(None, 119)),
    understood("over 3 hours", runtime_minutes=Range(181, None)),
    understood("at least 2 hours long", runtime_minutes=Range(120, None)),
    understood("comedy under 100 min", genres_any=("Comedy",), runtime_minutes=Range(None, 99)),
    understood("shorter than 2 hours", runtime_minutes=Range(None, 119)),
    understood("no longer than 100 minutes", runtime_minutes=Range(None, 100)),
    understood("two and a half hours max", runtime_minutes=Range(None, 150)),
    understood("1h30 or less", runtime_minutes=Range(None, 90)),
    understood("90-minute thriller", genres_any=("Thriller",), runtime_minutes=Range(80, 100)),
    understood("two hour drama", genres_any=("Drama",), runtime_minutes=Range(110, 130)),
    understood("20 minutes or less", runtime_minutes=Range(None, 20)),
    understood(
        "movies under two hours for family night",
        rest="for family night",
        runtime_minutes=Range(None, 119),
    ),
    understood("not too long", runtime_minutes=Range(None, 120)),
    understood("90 min or less", runtime_minutes=Range(None, 90)),
    understood("under two hours", runtime_minutes=Range(None, 119)),
    understood(
        "80s action flick under 100 mins",
        year=Range(1980, 1989),
        genres_any=("Action",),
        runtime_minutes=Range(None, 99),
    ),
    understood("between 80 and 90 minutes", runtime_minutes=Range(80, 90)),
    understood("80-90 minutes", runtime_minutes=Range(80, 90)),
    understood("80 to 90 min comedy", genres_any=("Comedy",), runtime_minutes=Range(80, 90)),
    understood("1h45 or less", runtime_minutes=Range(None, 105)),
    understood("under 1 hour 30 minutes", runtime_minutes=Range(None, 89)),
    understood("under 1h 30", runtime_minutes=Range(None, 89)),
    understood("about 90 minutes", runtime_minutes=Range(80, 100)),
    understood("around 2 hours", runtime_minutes=Range(110, 130)),
    understood("around two and a half hours", runtime_minutes=Range(140, 160)),
    understood(
        "a comedy that's about 90 minutes long",
        genres_any=("Comedy",),
        runtime_minutes=Range(80, 100),
    ),
    understood("2 to 3 hours long", runtime_minutes=Range(120, 180)),
    understood("less than 1.5 hours", runtime_minutes=Range(None, 89)),
    understood("under an hour and a half", runtime_minutes=Range(None, 89)),
    understood("longer than 3 hrs", runtime_minutes=Range(181, None)),
    understood("not over 2 hours", runtime_minutes=Range(None, 120)),
    understood("2 hours tops", runtime_minutes=Range(None, 120)),
    understood("max 2h", runtime_minutes=Range(None, 120)),
    understood("nothing too long", runtime_minutes=Range(None, 120)),
    understood("comedy, not too long", genres_any=("Comedy",), runtime_minutes=Range(None, 120)),
    understood(
        "family friendly comedy under 90 mins",
        genres_all=("Family", "Comedy"),
        runtime_minutes=Range(None, 89),
    ),
)
