"""Databases for the embedder's tests: SQLite, and a real PostgreSQL where there is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from services.embedder.database.engine import open_engine
from tests.support.waiting import wait_until

_USER = "postgres"


def _find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs."""
    initdb = shutil.which("initdb")
    if initdb is not None and shutil.which("postgres") is not None:
        return Path(initdb).parent
    folders = Path("/usr/lib/postgresql").glob("*/bin")  # where Debian keeps them
    return max((folder for folder in folders if (folder / "initdb").exists()), default=None)


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    """Connection string of a server that the tests start."""
    programs = _find_postgres()
    if programs is None:
        pytest.fail("no PostgreSQL on this machine: `make test` installs it where it runs as root")
    # It refuses to run as root.
    user = _USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="ms-postgres-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = Path(folder) / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "-N"],
            user=user, cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [
                programs / "postgres", "-D", data, "-k", folder,
                "-c", "listen_addresses=", "-c", "fsync=off",
            ],
            user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        conninfo = f"host={folder} user={_USER} dbname=postgres"

        def answers() -> bool:
            try:
                psycopg.connect(conninfo).close()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers)
        try:
            yield conninfo
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)


@pytest.fixture
def postgres_url(_postgres: str) -> Iterator[str]:
    """URL of an empty database of PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(_postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    folder = _postgres.split(maxsplit=1)[0].removeprefix("host=")
    yield f"postgresql+psycopg://{_USER}@/{name}?host={folder}"
    with psycopg.connect(_postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'movies.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open database with the tables of this version."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()
