"""Write the software bill of materials (CycloneDX): ``make sbom``, or ``python3 deploy/sbom.py``.

``build/sbom/python.cdx.json`` lists the Python packages that the images install, from the locks;
``build/sbom/page.cdx.json`` lists the npm packages that build the page, from its lock. The tools
are cyclonedx-py, which uv downloads for the run (so a network is needed), and npm itself. Standard
library only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("runtime.txt", "torch.txt")
CYCLONEDX = "cyclonedx-bom==7.5.0"
PAGE = ROOT / "services" / "query" / "ui"


def requirements() -> str:
    """The pins of all locks that an image installs from."""
    lines = [line for name in LOCKS for line in _lines(ROOT / "deploy" / "locks" / name)]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def describe_python(target: Path) -> None:
    """Write the Python packages.

    Raises:
        OSError, subprocess.CalledProcessError: uv or cyclonedx-py is not available, or fails.
    """
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [
        uv, "tool", "run", "--from", CYCLONEDX, "cyclonedx-py", "requirements",
        "--output-reproducible", "--of", "JSON", "-o", str(target), "-",
    ]  # fmt: skip
    subprocess.run(command, input=requirements(), text=True, check=True)


def describe_page(target: Path) -> None:
    """Write the npm packages.

    Raises:
        OSError, subprocess.CalledProcessError: npm is not available, or fails.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("package.json", "package-lock.json"):
            document = json.loads((PAGE / name).read_text())
            if name == "package-lock.json":
                document["packages"][""]["version"] = version
            document["version"] = version  # npm writes nothing without a version
            (folder / name).write_text(json.dumps(document))
        done = subprocess.run(
            ["npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
    target.write_text(done.stdout)


def main() -> int:
    """Write both files; returns the exit code."""
    folder = ROOT / "build" / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    for name, describe in (("python", describe_python), ("page", describe_page)):
        target = folder / f"{name}.cdx.json"
        try:
            describe(target)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"sbom: {name}: {error}", file=sys.stderr)
            return 1
        count = len(json.loads(target.read_text())["components"])
        print(f"{target.relative_to(ROOT)}: {count} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
