"""The locks: complete, without host names, without torch and without CUDA."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
LOCKS = ROOT / "deploy" / "locks"
PIN = re.compile(r"^[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==[^ ;]+( ; .+)?$")


def pins(name: str) -> list[str]:
    lines = (LOCKS / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def names(name: str) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in pins(name)}


def direct_dependencies(extra: str) -> set[str]:
    """Packages of an extra, including those of our extras that it names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    packages: set[str] = {
        canonicalize_name(Requirement(line).name) for line in project["dependencies"]
    }
    left = [extra]
    while left:
        for line in extras[left.pop()]:
            requirement = Requirement(line)
            if requirement.name == project["name"]:
                left.extend(requirement.extras)
            else:
                packages.add(canonicalize_name(requirement.name))
    return packages


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt", "torch.txt"])
def test_a_lock_pins_and_names_no_host(name: str) -> None:
    assert "://" not in (LOCKS / name).read_text()
    for line in pins(name):
        assert PIN.match(line), line


@pytest.mark.parametrize(("name", "extra"), [("runtime.txt", "local"), ("dev.txt", "dev")])
def test_every_dependency_is_pinned(name: str, extra: str) -> None:
    assert direct_dependencies(extra) <= names(name) | names("torch.txt")


def test_torch_has_its_own_lock_without_cuda() -> None:
    for name in ("runtime.txt", "dev.txt"):
        assert not [n for n in names(name) if n == "torch" or n.startswith(("nvidia", "cuda"))]
    assert names("torch.txt") == {"torch"}
    # torch is installed without its dependencies, so they are pinned here.
    assert {"filelock", "fsspec", "jinja2", "networkx", "sympy"} <= names("runtime.txt")


def test_both_locks_agree() -> None:
    assert set(pins("runtime.txt")) <= set(pins("dev.txt"))


def test_an_installed_torch_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "install_torch.py")],
        capture_output=True,
        text=True,
        env={"PATH": "", "PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 0, done.stderr
