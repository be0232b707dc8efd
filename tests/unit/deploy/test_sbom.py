"""The software bill of materials: exactly the locked packages."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "deploy" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_python_packages_are_those_of_the_images(sbom: ModuleType) -> None:
    pins = sbom.requirements().splitlines()
    assert all("==" in pin for pin in pins)
    names = {pin.partition("==")[0] for pin in pins}
    assert {"fastapi", "scrapy", "torch", "redis"} <= names
    assert "pytest" not in names


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on the PATH")
def test_the_pages_packages_are_those_of_its_lock(sbom: ModuleType, tmp_path: Path) -> None:
    sbom.describe_page(tmp_path / "page.json")
    document = json.loads((tmp_path / "page.json").read_text())
    assert document["bomFormat"] == "CycloneDX"
    described = {one["purl"].partition("?")[0] for one in document["components"]}
    locked = json.loads((ROOT / "services/query/ui/package-lock.json").read_text())["packages"]
    assert any(purl.startswith("pkg:npm/vue@") for purl in described)
    assert 0.5 * len(locked) < len(described) <= len(locked)
