"""The command ``movie-search``.

``up`` starts the system; the other commands talk to a running one over its HTTP API, except
``export`` and ``evaluate``, which read the snapshot store. Exit codes: 0 done, 1 failed with one
line that says why, 2 wrong usage.
"""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.export import export_snapshot
from services.local import TOKEN_FILE, run_local
from services.processes import CannotStart
from shared.settings import PREFIX, Settings, SettingsInvalid, load_settings
from shared.snapshot.store import NoSnapshot
from shared.snapshot.verify import SnapshotCorrupt
from shared.telemetry import configure_logging

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find a film by describing what you feel like watching.",
)

UrlOption = Annotated[
    str | None,
    typer.Option(help="Address of a running query service.", envvar=f"{PREFIX}URL"),
]


class SearchMode(StrEnum):
    """How ``search`` ranks."""

    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    LEXICAL = "lexical"


TERMINAL = {"searchable", "incomplete", "failed", "cancelled"}
POLL_S = 0.5
SERVED_WITHIN_S = 60.0


def _fail(reason: object) -> NoReturn:
    typer.echo(f"movie-search: {reason}", err=True)
    raise typer.Exit(1)


def _settings(**changes: Any) -> Settings:
    try:
        settings = load_settings()
        given = {name: value for name, value in changes.items() if value is not None}
        return settings.model_copy(update=given)
    except SettingsInvalid as error:
        typer.echo(f"movie-search: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the page and the API.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for everything that is kept.")
    ] = None,
    sources: Annotated[Path | None, typer.Option(help="Your sources.toml.")] = None,
    source: Annotated[str, typer.Option(help="The source to crawl the first time.")] = "demo",
    no_crawl: Annotated[bool, typer.Option("--no-crawl", help="Crawl nothing.")] = False,
) -> None:
    """Run the whole system on this machine, in the foreground."""
    if sources is not None and not sources.is_file():
        typer.echo(f"movie-search: no such file: {sources}", err=True)
        raise typer.Exit(2)
    settings = _settings(
        port=port,
        data_dir=data_dir.expanduser().absolute() if data_dir else None,
        sources=sources.expanduser().absolute() if sources else None,
    )
    console = settings.model_copy(
        update={"log_format": "console"} if settings.log_format == "auto" else {}
    )
    configure_logging("local", console)
    try:
        run_local(settings, source=source, crawl=not no_crawl)
    except CannotStart as error:
        _fail(error)


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Name of a configured source.")],
    wait: Annotated[bool, typer.Option("--wait", help="Until it is searchable.")] = False,
    url: UrlOption = None,
) -> None:
    """Crawl a source."""
    settings = _settings()
    with _client(settings, url) as client:
        headers = _authorization(settings)
        run = _ask(client, "POST", "/admin/ingest", json={"source": source}, headers=headers)
        typer.echo(f"run {run['run_id']} of {source}: {run['state']}")
        if wait:
            run = _follow(client, run["run_id"], headers)
            if run["state"] != "searchable":
                _fail(f"run {run['run_id']} is {run['state']}: {run.get('error') or 'no reason'}")
            _wait_until_served(client, run["snapshot_id"])
            typer.echo(
                f"searchable in snapshot {run['snapshot_id']}: {run['crawled']} reviews, "
                f"{run['stored']} new or changed, {run['duplicate']} unchanged"
            )


def _follow(client: httpx.Client, run_id: str, headers: dict[str, str]) -> dict[str, Any]:
    """Show a run until it ends: a live line on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    shown = ""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("queued", total=None)
        while True:
            run = _ask(client, "GET", f"/admin/ingest/{run_id}", headers=headers)
            text = (
                f"{run['state']}: {run['movies']} movies, {run['crawled']} reviews crawled, "
                f"{run['stored']} stored, {run['embedded']} encoded"
            )
            progress.update(task, description=text)
            if text != shown and not console.is_terminal:
                typer.echo(text, err=True)
            shown = text
            if run["state"] in TERMINAL:
                return run
            time.sleep(POLL_S)


def _wait_until_served(client: httpx.Client, snapshot_id: str) -> None:
    """The query service looks for snapshots every few seconds; ids sort by age."""
    deadline = time.monotonic() + SERVED_WITHIN_S
    while _ask(client, "GET", "/snapshot")["snapshot_id"] < snapshot_id:
        if time.monotonic() > deadline:
            _fail(f"snapshot {snapshot_id} is published but not served yet: see `status`")
        time.sleep(POLL_S)


@app.command()
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
    as_json: Annotated[bool, typer.Option("--json", help="The API's answer as it is.")] = False,
    url: UrlOption = None,
) -> None:
    """Search for films."""
    if text is None and not like:
        typer.echo("movie-search: say what you feel like watching, or give --like ID", err=True)
        raise typer.Exit(2)
    years = {"gte": year_from, "lte": year_to}
    filters = {"genres": {"any": genre or []}, "year": years}
    wanted = {"query": text, "avoid": avoid, "like": like, "mode": mode and mode.value}
    body = {name: value for name, value in wanted.items() if value is not None}
    with _client(_settings(), url) as client:
        answer = _ask(client, "POST", "/search", json={**body, "k": k, "filters": filters})
    if as_json:
        sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")
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


@app.command()
def status(url: UrlOption = None) -> None:
    """What is being served, and the latest runs."""
    settings = _settings()
    with _client(settings, url) as client:
        snapshot = _ask(client, "GET", "/snapshot")
        typer.echo(
            f"snapshot {snapshot['snapshot_id']} of {snapshot['created_at']}: "
            f"{snapshot['movies']} movies, {snapshot['reviews']} reviews, "
            f"{snapshot['passages']} passages, encoder {snapshot['encoder']['model']}"
        )
        if snapshot.get("degraded"):
            typer.echo(f"degraded: {snapshot['degraded']}")
        try:
            headers = _authorization(settings)
        except typer.Exit:
            return  # without a token there are no runs to be seen
        found = _ask(client, "GET", "/admin/ingest", headers=headers)
    table = Table("run", "source", "state", "reviews", "new", "unchanged", "dead", box=None)
    for run in found["runs"][:10]:
        table.add_row(
            run["run_id"],
            run["source"],
            run["state"],
            *(str(run[name]) for name in ("crawled", "stored", "duplicate", "dead_lettered")),
        )
    Console().print(table)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to; made if absent.")],
    data_dir: Annotated[Path | None, typer.Option(help="The system's data folder.")] = None,
) -> None:
    """Write the current snapshot as the original project's files."""
    settings = _settings(data_dir=data_dir.expanduser().absolute() if data_dir else None)
    console = Console(stderr=True)
    try:
        with Progress(console=console, disable=not console.is_terminal) as progress:
            counts = export_snapshot(settings.snapshot_dir, folder, track=progress.track)
    except (NoSnapshot, SnapshotCorrupt) as error:
        _fail(error)
    except OSError as error:
        _fail(f"cannot write to {folder}: {error.strerror}")
    typer.echo(f"{counts.movies} movies and {counts.reviews} reviews written to {folder}")


@app.command()
def evaluate(
    queries: Annotated[
        list[Path], typer.Option(help="Folder of judged queries in BEIR's layout, or of several.")
    ],
    mode: Annotated[
        list[str] | None, typer.Option(help="A mode to run; floors are about the first.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The mode that the others are compared with.")
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(help="Id of a snapshot; the current one when absent.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Ask a running system instead of a snapshot.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The system's data folder.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure to this file.")
    ] = None,
    floor: Annotated[
        list[str] | None, typer.Option(help="What must be reached, like plot:MRR@10>=0.80.")
    ] = None,
) -> None:
    """Measure the ranking with judged queries; fails below the floors."""
    # Its metrics come with scipy, which takes longer to import than the other commands to run.
    from services.evaluation.command import Options, run  # noqa: PLC0415

    settings = _settings(data_dir=data_dir.expanduser().absolute() if data_dir else None)
    options = Options(
        queries=queries,
        store=settings.snapshot_dir,
        snapshot_id=snapshot,
        url=url,
        modes=mode or (),
        baseline=baseline,
        floors=floor or (),
        json_file=json_file,
        precision=settings.encoder_precision,
    )
    raise typer.Exit(run(options))


def _client(settings: Settings, url: str | None) -> httpx.Client:
    return httpx.Client(
        base_url=url or f"http://127.0.0.1:{settings.port}", timeout=30, trust_env=False
    )


def _authorization(settings: Settings) -> dict[str, str]:
    """The admin token: configured, or the one that ``up`` made for this machine."""
    try:
        token = settings.read_admin_token()
        if token is None:
            token = (settings.data_dir / TOKEN_FILE).read_bytes().strip()
    except SettingsInvalid as error:
        _fail(error)
    except OSError:
        _fail(
            f"no admin token: set {PREFIX}ADMIN_TOKEN or {PREFIX}ADMIN_TOKEN_FILE, "
            f"or {PREFIX}DATA_DIR to the data folder of `movie-search up`"
        )
    return {"Authorization": f"Bearer {token.decode()}"}


def _ask(client: httpx.Client, method: str, path: str, **options: Any) -> dict[str, Any]:
    try:
        response = client.request(method, path, **options)
    except httpx.HTTPError as error:
        _fail(f"no answer from {client.base_url}: {error}; is the system up?")
    try:
        body: dict[str, Any] = response.json()
    except ValueError:
        _fail(f"{client.base_url} answered {response.status_code}, and not as this API does")
    if response.is_error:
        wanted = "; ".join(f"{one['field']}: {one['message']}" for one in body.get("errors", []))
        _fail(wanted or body.get("detail") or body.get("title") or f"HTTP {response.status_code}")
    return body


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
