"""This is the command line of the generator, which takes all steps in their order."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

import redis as redis_py

from .artefact import MODEL, make_artefact
from .configuration import PREFIX, meaning_of_settings, meaning_of_sources
from .crawl import demo_site
from .expiring import leave_what_expires
from .finished import publish_two_snapshots
from .old import HOST, old
from .program import OldProgram
from .recorded import record_expectations, record_lists
from .redis_dump import dump
from .unfinished import leave_work_unfinished

COMMITTED = Path(__file__).parents[1] / "c8131ff"


def main() -> None:
    """Make all files, and print how large each of them is."""
    parser = argparse.ArgumentParser(prog="python -m making")
    parser.add_argument(
        "target", type=Path, nargs="?", default=COMMITTED,
        help="folder with legacy.env and sources.toml, into which the files are written",
    )  # fmt: skip
    target: Path = parser.parse_args().target.resolve()
    socket.gethostname = lambda: HOST
    folder = Path(tempfile.mkdtemp(prefix="ms-old-"))
    try:
        asyncio.run(_make(folder / "data", target))
    finally:
        shutil.rmtree(folder)
    for path in sorted(target.iterdir()):
        sys.stdout.write(f"{path.stat().st_size:>8} {path.name}\n")


async def _make(data: Path, target: Path) -> None:
    """Take all steps in their order, and write the files into ``target``."""
    settings = meaning_of_settings(target)
    sources = meaning_of_sources(target)
    with old("tests.support.redis_server").redis_server() as server, demo_site() as site:
        os.environ[f"{PREFIX}REDIS_URL"] = server.url
        os.environ[f"{PREFIX}DATA_DIR"] = str(data)
        program = OldProgram(server.url, data, site)
        await publish_two_snapshots(program)
        await leave_work_unfinished(program)
        recorded = await record_expectations(program)
        recorded["artefact"] = make_artefact(data)
        await leave_what_expires(program)
        recorded |= await record_lists(program)
        _write_json(target / "redis.json", dump(redis_py.Redis.from_url(server.url)))
        await program.close()
    recorded |= {"settings": settings, "sources": sources}
    _write_json(target / "expected.json", recorded)
    _pack(data, target / "data.tar.gz")


def _pack(data: Path, target: Path) -> None:
    """Pack the data folder and the model as they are, once the logs of the databases are empty."""
    for path in (data / "movies.sqlite", data / "ingest" / "demo" / "visits.sqlite"):
        db = sqlite3.connect(path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
    assert not [path for path in data.rglob("*-wal") if path.stat().st_size]

    def nameless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(target, "w:gz", compresslevel=9) as packed:
        packed.add(data, arcname=data.name, filter=nameless)
        packed.add(data.parent / MODEL, arcname=MODEL, filter=nameless)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
