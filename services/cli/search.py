"""``search``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from services.cli.api import JsonOption, UrlOption, ask, connect, misused, settings_with
from services.cli.tables import print_json


class SearchMode(StrEnum):
    """How ``search`` ranks."""

    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    LEXICAL = "lexical"


def search(
    text: Annotated[
        str | None, typer.Argument(help="What you feel like watching; not needed with --like.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many films.")] = 10,
    avoid: Annotated[str | None, typer.Option(help="What it should not be about.")] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A film it should be like; repeatable.")
    ] = None,
    genre: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only films of this genre; repeated: of any of them."),
    ] = None,
    year_from: Annotated[int | None, typer.Option(help="Not older.")] = None,
    year_to: Annotated[int | None, typer.Option(help="Not newer.")] = None,
    mode: Annotated[SearchMode | None, typer.Option(help="How to rank.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Search for films."""
    if text is None and not like:
        misused("say what you feel like watching, or give --like ID")
    years = {"gte": year_from, "lte": year_to}
    filters = {"genres": {"any": genre or []}, "year": years}
    wanted = {"query": text, "avoid": avoid, "like": like, "mode": mode and mode.value}
    body = {name: value for name, value in wanted.items() if value is not None}
    with connect(settings_with(), url) as client:
        answer = ask(client, "POST", "/search", json={**body, "k": k, "filters": filters})
    if as_json:
        print_json(answer)
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
