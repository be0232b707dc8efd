"""Makes packages of clients of the HTTP API: Python and TypeScript.

``python -m services.query.client_packages [FOLDER]`` (``make clients``) writes ``python`` and
``typescript`` into ``build/clients``. The Python package is openapi-python-client's, which runs
apart from our environment because it needs another typer; the first run downloads it. The
TypeScript package is the types of openapi-typescript with ``deploy/clients/typescript``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from services.query.client_files import UI, GeneratorMissing, describe, generate
from shared.telemetry import get_logger

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "deploy" / "clients"
PYTHON_GENERATOR = "openapi-python-client==0.29.1"
_GENERATOR_TIMEOUT_S = 300


def make_python(document: Path, folder: Path) -> None:
    """Write the Python package.

    Args:
        document: The OpenAPI document, JSON.
        folder: The folder of the package, which is replaced.

    Raises:
        GeneratorMissing: the generator cannot be installed.
        subprocess.CalledProcessError: the generator refuses the document.
    """
    uv = Path(sys.executable).parent / "uv"
    path = os.pathsep.join([str(uv.parent), os.environ.get("PATH", "")])  # it formats with ruff
    tool = [str(uv), "tool", "run", "--from", PYTHON_GENERATOR, "openapi-python-client"]
    if subprocess.run([*tool, "--version"], check=False, capture_output=True).returncode:
        raise GeneratorMissing(f"cannot install {PYTHON_GENERATOR}; is there a network?")
    options = ["--path", str(document), "--output-path", str(folder), "--overwrite"]
    subprocess.run(
        [*tool, "generate", *options, "--config", str(TEMPLATES / "python.yaml")],
        check=True,
        capture_output=True,
        timeout=_GENERATOR_TIMEOUT_S,
        env={**os.environ, "PATH": path},
    )


def make_typescript(document: Path, folder: Path) -> None:
    """Write the TypeScript package, and compile it.

    Args:
        document: The OpenAPI document, JSON.
        folder: The folder of the package, which is replaced.

    Raises:
        GeneratorMissing: Node or a program of it is not installed.
        subprocess.CalledProcessError: the generator or the compiler refuses its input.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(TEMPLATES / "typescript", folder)
    generate(document, folder / "src" / "schema.ts")
    compiler = UI / "node_modules" / "typescript" / "bin" / "tsc"
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    node = shutil.which("node", path=path)
    if node is None or not compiler.exists():
        raise GeneratorMissing("run `make setup-dev` first")
    subprocess.run([node, compiler, "--project", folder], check=True, capture_output=True)


def main(folder: str = "build/clients") -> int:
    """Write both packages; returns the exit code."""
    target = Path(folder).absolute()
    target.mkdir(parents=True, exist_ok=True)
    document = target / "openapi.json"
    document.write_bytes(describe())
    try:
        make_python(document, target / "python")
        make_typescript(document, target / "typescript")
    except GeneratorMissing as missing:
        get_logger().error("client generator missing", reason=str(missing))
        return 1
    get_logger().info("clients made", folder=str(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
