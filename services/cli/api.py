"""What the commands share: settings, the HTTP API, and how a failure is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import httpx
import typer

from services.local.system import TOKEN_FILE
from shared.settings import PREFIX, Settings, SettingsInvalid, load_settings

POLL_S = 0.5
SERVED_WITHIN_S = 60.0

UrlOption = Annotated[
    str | None,
    typer.Option(help="Address of a running query service.", envvar=f"{PREFIX}URL"),
]
DataDirOption = Annotated[Path | None, typer.Option(help="The system's data folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="The API's answer as it is.")]


def fail(reason: object) -> NoReturn:
    """End the command: it failed."""
    typer.echo(f"movie-search: {reason}", err=True)
    raise typer.Exit(1)


def misused(reason: object) -> NoReturn:
    """End the command: it was called wrongly."""
    typer.echo(f"movie-search: {reason}", err=True)
    raise typer.Exit(2)


def settings_with(**changes: Any) -> Settings:
    """The settings of the environment, with what was given on the command line."""
    try:
        settings = load_settings()
    except SettingsInvalid as error:
        misused(error)
    given = {name: value for name, value in changes.items() if value is not None}
    return settings.model_copy(update=given)


def absolute(path: Path | None) -> Path | None:
    """A path that stays right wherever it is used."""
    return path.expanduser().absolute() if path is not None else None


def connect(settings: Settings, url: str | None) -> httpx.Client:
    """A client of the query service: the one at ``url``, or this machine's."""
    return httpx.Client(
        base_url=url or f"http://127.0.0.1:{settings.port}", timeout=30, trust_env=False
    )


def connect_as_admin(settings: Settings, url: str | None) -> httpx.Client:
    """The same, with the admin token: configured, or the one that ``up`` made for this machine."""
    try:
        token = settings.read_admin_token()
        if token is None:
            token = (settings.data_dir / TOKEN_FILE).read_bytes().strip()
    except SettingsInvalid as error:
        fail(error)
    except OSError:
        fail(
            f"no admin token: set {PREFIX}ADMIN_TOKEN or {PREFIX}ADMIN_TOKEN_FILE, "
            f"or {PREFIX}DATA_DIR to the data folder of `movie-search up`"
        )
    client = connect(settings, url)
    client.headers["Authorization"] = f"Bearer {token.decode()}"
    return client


def ask(client: httpx.Client, method: str, path: str, **options: Any) -> dict[str, Any]:
    """The API's answer; a failure ends the command with one line."""
    try:
        response = client.request(method, path, **options)
    except httpx.HTTPError as error:
        fail(f"no answer from {client.base_url}: {error}; is the system up?")
    if response.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        body: dict[str, Any] = response.json()
    except ValueError:
        fail(f"{client.base_url} answered {response.status_code}, and not as this API does")
    if response.is_error:
        wanted = "; ".join(f"{one['field']}: {one['message']}" for one in body.get("errors", []))
        fail(wanted or body.get("detail") or body.get("title") or f"HTTP {response.status_code}")
    return body


def plain(text: object) -> str:
    """Text that came from elsewhere, in one line and without what would steer a terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(text))


def segment(text: str) -> str:
    """What was typed, as one part of a path."""
    return quote(text, safe="")
