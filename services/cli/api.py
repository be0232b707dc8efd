"""Shared by the commands: settings, requests to the HTTP API, and error messages."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import httpx
import typer

from services.local.data_folder import TOKEN_FILE
from services.local.settings import LocalSettings
from shared.settings import PREFIX, SettingsInvalid, load_settings

POLL_S = 0.5
SERVED_WITHIN_S = 60.0

UrlOption = Annotated[
    str | None,
    typer.Option(help="Address of the query service.", envvar=f"{PREFIX}URL"),
]
KeyOption = Annotated[
    str | None,
    typer.Option(help="Search key, where the service wants one.", envvar=f"{PREFIX}SEARCH_KEY"),
]
DataDirOption = Annotated[Path | None, typer.Option(help="Data folder of the system.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the JSON of the API.")]


def say(line: str, *, err: bool = False) -> None:
    """Print one line, whatever is in it: titles and reasons are texts of other people.

    Args:
        line: The line.
        err: Print it on standard error.
    """
    typer.echo(plain(line), err=err)


def fail(reason: object) -> NoReturn:
    """End the command with exit code 1 and a line on standard error."""
    say(f"movie-search: {reason}", err=True)
    raise typer.Exit(1)


def misused(reason: object) -> NoReturn:
    """End the command with exit code 2 (wrong usage) and a line on standard error."""
    say(f"movie-search: {reason}", err=True)
    raise typer.Exit(2)


def settings_with(**changes: Any) -> LocalSettings:
    """The settings of the environment, changed by the options of the command line."""
    try:
        settings = load_settings(LocalSettings)
    except SettingsInvalid as error:
        misused(error)
    options = {name: value for name, value in changes.items() if value is not None}
    return settings.model_copy(update=options)


def absolute(path: Path | None) -> Path | None:
    """The path without ``~`` and independent of the working folder."""
    return path.expanduser().absolute() if path is not None else None


def connect(settings: LocalSettings, url: str | None) -> httpx.Client:
    """A client of the query service at ``url``, or of the one on this machine."""
    return httpx.Client(base_url=url or settings.local_url, timeout=30, trust_env=False)


def connect_as_admin(settings: LocalSettings, url: str | None) -> httpx.Client:
    """A client with the admin token: the configured one, or the one that ``up`` has generated."""
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


def ask(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    unavailable: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Send a request; returns the JSON of the response. An error ends the command.

    Args:
        client: The client.
        method: The HTTP method.
        path: The path.
        unavailable: What to return when the system answers 503 for now; default: an error.
        **options: Options of the request.
    """
    try:
        response = client.request(method, path, **options)
    except httpx.HTTPError as error:
        fail(f"no answer from {client.base_url}: {error}; is the system up?")
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and unavailable is not None:
        return unavailable
    if response.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        body: dict[str, Any] = response.json()
    except ValueError:
        fail(f"{client.base_url}: HTTP {response.status_code}, and no JSON: not this API")
    if response.status_code == httpx.codes.UNAUTHORIZED and path.startswith("/admin"):
        fail(
            f"{client.base_url} does not accept this admin token: it is another system's, or "
            f"{PREFIX}ADMIN_TOKEN is not what its query service was started with"
        )
    if response.is_error:
        errors = "; ".join(f"{one['field']}: {one['message']}" for one in body.get("errors", []))
        fail(errors or body.get("detail") or body.get("title") or f"HTTP {response.status_code}")
    return body


def show_version(is_asked: bool) -> None:
    """Print the version and end, if it is asked for."""
    if is_asked:
        try:
            say(version("semantic-movie-search"))
        except PackageNotFoundError:
            say("unknown")
        raise typer.Exit


def plain(text: object) -> str:
    """Text from an untrusted source as one line, without control characters.

    Those that only change the direction of the text are left out: they could hide what follows.
    """
    one_line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(text))
    return re.sub(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+", "", one_line)


def segment(text: str) -> str:
    """Text as one segment of a URL path."""
    return quote(text, safe="")
