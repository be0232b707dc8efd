"""Writes the files of the page's typed client: the OpenAPI document and its TypeScript types.

``python -m services.query.client_files`` (``make client``) writes both after a change of the API:
``ui/openapi.json`` from the application, and ``ui/src/api/schema.d.ts`` from that document with
openapi-typescript, which ``make setup-dev`` installs. A test compares them with the application.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson

from services.query.app import create_app
from services.query.settings import QuerySettings
from shared.telemetry import get_logger

UI = Path(__file__).parent / "ui"
DOCUMENT = UI / "openapi.json"
SCHEMA = UI / "src" / "api" / "schema.d.ts"


class GeneratorMissing(RuntimeError):
    """Node or openapi-typescript is not installed; `make setup-dev` installs both."""


def describe() -> bytes:
    """Return the application's OpenAPI document as JSON.

    Its version is always "0", so that a release does not change the client.
    """
    document = dict(create_app(QuerySettings()).openapi())
    document["info"] = {**document["info"], "version": "0"}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def generate(document: Path, schema: Path) -> None:
    """Write the TypeScript types of a document.

    Args:
        document: The OpenAPI document, JSON.
        schema: The file to write.

    Raises:
        GeneratorMissing: the generator is not installed.
        subprocess.CalledProcessError: the generator refuses the document.
    """
    program = UI / "node_modules" / ".bin" / "openapi-typescript"
    # Node is on the PATH or, where the setup installed it, beside this Python.
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    node = shutil.which("node", path=path)
    if node is None or not program.exists():
        raise GeneratorMissing("run `make setup-dev` first")
    subprocess.run(
        [node, program.resolve(), document, "--output", schema, "--default-non-nullable", "false"],
        check=True,
        capture_output=True,
    )


def main() -> int:
    """Write both files; returns the exit code."""
    try:
        DOCUMENT.write_bytes(describe())
        generate(DOCUMENT, SCHEMA)
    except GeneratorMissing as missing:
        get_logger().error("client generator missing", reason=str(missing))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
