"""``search``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.text import Text

from services.cli.api import (
    JsonOption,
    KeyOption,
    UrlOption,
    ask,
    connect,
    misused,
    plain,
    say,
    segment,
    settings_with,
)
from services.cli.tables import print_json


class SearchMode(StrEnum):
    """The ranking modes of the API."""

    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    LEXICAL = "lexical"


class SpoilersShown(StrEnum):
    """What is done with reviews that are marked as spoilers."""

    HIDE = "hide"
    SHOW = "show"


def search(
    text: Annotated[
        str | None, typer.Argument(help="What you feel like watching; not needed with --like.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Number of movies.")] = 10,
    avoid: Annotated[str | None, typer.Option(help="What the movie should not be about.")] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Find movies like this one; repeatable.")
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Find movies unlike this one; repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Leave this movie out; repeatable.")
    ] = None,
    genre: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only movies of this genre; repeat for any of several."),
    ] = None,
    year_from: Annotated[int | None, typer.Option(help="First year.")] = None,
    year_to: Annotated[int | None, typer.Option(help="Last year.")] = None,
    filters: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help='Further conditions as the API has them: \'{"runtime": {"lte": 100}}\'.',
        ),
    ] = None,
    offset: Annotated[int | None, typer.Option(min=0, help="Movies to skip, for paging.")] = None,
    evidence: Annotated[
        int | None, typer.Option(min=0, max=5, help="Passages to quote for each movie, at most.")
    ] = None,
    diversity: Annotated[
        float | None, typer.Option(min=0, max=1, help="How different the movies are to be.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the components of each score; with --json.")
    ] = False,
    mode: Annotated[SearchMode | None, typer.Option(help="Ranking mode.")] = None,
    min_fit: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Only movies that a person would accept at least this often, 0 to 1."
        ),
    ] = None,
    spoilers: Annotated[
        SpoilersShown | None,
        typer.Option(help="Whether to quote reviews that are marked as spoilers; default: hide."),
    ] = None,
    interpret: Annotated[
        bool,
        typer.Option(
            "--interpret/--no-interpret",
            help="Understand titles, spelling, constraints and denials in the text, or search for "
            "it as it is.",
        ),
    ] = True,
    as_json: JsonOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
) -> None:
    """Search for movies."""
    if text is None and not (like or avoid or filters):
        misused("describe what you feel like watching, or give --like ID")
    if explain and not as_json:
        misused("--explain needs --json")
    conditions = _conditions(filters, genre or [], (year_from, year_to))
    fields = {
        "query": text,
        "avoid": avoid,
        "like": like,
        "unlike": unlike,
        "exclude": exclude,
        "offset": offset,
        "evidence": evidence,
        "diversity": diversity,
        "explain": explain or None,
        "mode": mode and mode.value,
        "min_fit": min_fit,
        "spoilers": spoilers and spoilers.value,
        "interpret": None if interpret else False,  # earlier services do not know the field
    }
    body = {name: value for name, value in fields.items() if value is not None}
    with connect(settings_with(), url) as client:
        if key is not None:
            client.headers["Authorization"] = f"Bearer {key}"
        answer = ask(client, "POST", "/search", json={**body, "k": k, "filters": conditions})
        if as_json:
            print_json(answer)
            return
        understood = answer.get("interpretation")
        if understood is not None:
            say(understood_line(understood, _titles(client, answer)))
    if not answer["hits"]:
        say("no movies found")
        return
    console = Console()
    for hit in answer["hits"]:
        movie = hit["movie"]
        year = f" ({movie['year']})" if movie.get("year") else ""
        fit = f"  fit {hit['fit']:.2f}" if "fit" in hit else ""  # not from earlier services
        title = Text(plain(f"{hit['rank']:>2}. {movie['title']}{year}"), style="bold")
        console.print(title.append(f"  {hit['score']:.3f}{fit}", style="not bold"))
        for passage in hit["evidence"]:
            origin = "  (description)" if passage.get("kind") == "description" else ""
            console.print(Text(f"    “{plain(passage['text'])}”{origin}", style="dim"))


def _conditions(
    text: str | None, genres: Sequence[str], years: tuple[int | None, int | None]
) -> dict[str, Any]:
    """The conditions that ``--filters`` gives as JSON, and those that have options of their own."""
    try:
        conditions = json.loads(text or "{}")
    except ValueError:
        conditions = None
    if not isinstance(conditions, dict):
        misused('--filters must be a JSON object, such as {"runtime": {"lte": 100}}')
    if genres:
        conditions["genres"] = {**conditions.get("genres", {}), "any": genres}
    if years != (None, None):
        conditions["year"] = dict(zip(("gte", "lte"), years, strict=True))
    return conditions


def _titles(client: httpx.Client, answer: dict[str, Any]) -> dict[str, str]:
    """The titles of the movies that an interpretation names, by id."""
    titles = {hit["movie"]["movie_id"]: hit["movie"]["title"] for hit in answer["hits"]}
    understood = answer["interpretation"]
    for movie_id in [*understood["like"], *understood["titles"][:1]]:
        if movie_id not in titles:  # a movie that others should be like is no hit itself
            titles[movie_id] = ask(client, "GET", f"/movies/{segment(movie_id)}")["title"]
    return titles


def understood_line(understood: dict[str, Any], titles: Mapping[str, str]) -> str:
    """One line of what was understood, such as "1990-1999, Thriller; without gore".

    Args:
        understood: The interpretation, as the API answers it.
        titles: Titles of movies by id; a movie without one is shown by its id.
    """
    filters = understood["filters"]
    kept = [_range(filters[name], unit) for name, unit in _RANGES.items() if name in filters]
    genres = filters.get("genres", {})
    kept += [" or ".join(genres.get("any", [])), *genres.get("all", [])]
    kept += [
        lead + " or ".join(filters[name]["any"]) for name, lead in _NAMES.items() if name in filters
    ]
    corrections = [f"{each['from']} → {each['to']}" for each in understood["corrections"]]
    clauses = [
        ", ".join(filter(None, kept)),
        _clause("without ", [*genres.get("none", []), understood["avoid"]]),
        _clause("like ", [titles.get(movie_id, movie_id) for movie_id in understood["like"]]),
        _clause(
            "title ", [titles.get(movie_id, movie_id) for movie_id in understood["titles"][:1]]
        ),
        _clause("spelling ", corrections),
        _clause("no movie fits, so that these were dropped: ", understood["relaxed"]),
    ]
    said = "; ".join(filter(None, clauses))
    rest = understood["text"]
    return f"{said} · {rest}" if said and rest else said or rest


_RANGES = {"year": "", "rating": " points", "runtime": " minutes", "votes": " votes"}
_NAMES = {"directors": "by ", "people": "with ", "countries": "from ", "languages": "in "}


def _clause(lead: str, items: Sequence[str | None]) -> str:
    named = [item for item in items if item]
    return lead + ", ".join(named) if named else ""


def _range(limits: dict[str, float | None], unit: str) -> str:
    low, high = limits["gte"], limits["lte"]
    if low is None:
        return f"up to {high}{unit}"
    if high is None:
        return f"from {low}{unit}"
    return f"{low}{unit}" if low == high else f"{low}-{high}{unit}"
