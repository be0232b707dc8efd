"""``keys add``, ``keys list`` and ``keys remove``: the keys of the public search API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.api import JsonOption, absolute, fail, misused, plain, say
from services.cli.tables import print_json, print_table
from services.query.access.key_file import (
    NAME,
    KeyFileInvalid,
    KeyNameTaken,
    SearchKey,
    add_key,
    read_keys,
    remove_key,
)
from services.query.access.rates import Rate, RateInvalid
from shared.settings import PREFIX

app = typer.Typer(no_args_is_help=True, help="Keys of the public search API.")

FileOption = Annotated[
    Path | None,
    typer.Option(help="File of the keys.", envvar=f"{PREFIX}SEARCH_KEYS_FILE", show_envvar=True),
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the key: who it is for.")
]


@app.command()
def add(
    name: NameArgument,
    rate: Annotated[
        str | None,
        typer.Option(help="How often it may be used, such as 600/minute; default: no limit."),
    ] = None,
    file: FileOption = None,
) -> None:
    """Make a key, and print it: it is stored as a hash, so it cannot be shown again."""
    if NAME.fullmatch(name) is None:
        misused("NAME: use up to 64 letters, digits and . _ -, beginning with a letter or digit")
    try:
        limit = Rate.parse(rate) if rate is not None else None
    except RateInvalid as error:
        misused(f"--rate: {error}")
    path = _path(file)
    try:
        text = add_key(path, name, limit)
    except KeyNameTaken:
        fail(f"there is a key named {name}; remove it first with `movie-search keys remove {name}`")
    except (KeyFileInvalid, OSError) as error:
        fail(error)
    typer.echo(text)
    say(f"key {name} added to {path}; services that read this file accept it now", err=True)


@app.command("list")
def list_keys(as_json: JsonOption = False, file: FileOption = None) -> None:
    """List the names and the rates of the keys."""
    keys = _read(_path(file))
    if as_json:
        print_json({"keys": [{"name": key.name, "rate": key.rate} for key in keys]})
        return
    if not keys:
        say("no keys")
        return
    print_table(("name", "rate"), ((key.name, key.rate or "no limit") for key in keys))


@app.command()
def remove(name: NameArgument, file: FileOption = None) -> None:
    """Remove a key; services that read the file refuse it within a second."""
    path = _path(file)
    try:
        was_there = remove_key(path, name)
    except (KeyFileInvalid, OSError) as error:
        fail(error)
    if not was_there:
        fail(f"{path} has no key named {plain(name)}; `movie-search keys list` shows all")
    say(f"key {plain(name)} removed from {path}")


def _path(file: Path | None) -> Path:
    path = absolute(file)
    if path is None:
        misused(f"name the file of the keys with --file or {PREFIX}SEARCH_KEYS_FILE")
    return path


def _read(path: Path) -> list[SearchKey]:
    try:
        return read_keys(path)
    except KeyFileInvalid as error:
        fail(error)
