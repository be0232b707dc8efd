"""``search``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from services.cli.api import JsonOption, UrlOption, ask, connect, misused, settings_with
from services.cli.tables import print_json


class SearchMode(StrEnum):
    """The ranking modes of the API."""

    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    LEXICAL = "lexical"


def search(
    text: Annotated[
        str | None, typer.Argument(help="What you feel like watching; not needed with --like.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Number of movies.")] = 10,
    avoid: Annotated[str | None, typer.Option(help="What the movie should not be about.")] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Find movies like this one; repeatable.")
    ] = None,
    genre: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only movies of this genre; repeat for any of several."),
    ] = None,
    year_from: Annotated[int | None, typer.Option(help="First year.")] = None,
    year_to: Annotated[int | None, typer.Option(help="Last year.")] = None,
    mode: Annotated[SearchMode | None, typer.Option(help="Ranking mode.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Search for movies."""
    if text is None and not like:
        misused("describe what you feel like watching, or give --like ID")
    years = {"gte": year_from, "lte": year_to}
    filters = {"genres": {"any": genre or []}, "year": years}
    fields = {"query": text, "avoid": avoid, "like": like, "mode": mode and mode.value}
    body = {name: value for name, value in fields.items() if value is not None}
    with connect(settings_with(), url) as client:
        answer = ask(client, "POST", "/search", json={**body, "k": k, "filters": filters})
    if as_json:
        print_json(answer)
        return
    if not answer["hits"]:
        typer.echo("no movies found")
        return
    console = Console()
    for hit in answer["hits"]:
        movie = hit["movie"]
        year = f" ({movie['year']})" if movie.get("year") else ""
        console.print(
            f"[bold]{hit['rank']:>2}. {movie['title']}{year}[/bold]  {hit['score']:.3f}",
            highlight=False,
        )
        for passage in hit["evidence"]:
            console.print(f"    “{passage['text']}”", style="dim", markup=False, highlight=False)
