"""Competitors are pinned separately and are not in our locks."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.benchmarks.figures.plan import ROOT
from tests.benchmarks.race.load import Api
from tests.benchmarks.race.venvs import COMPETITORS, reason

FILES = sorted(COMPETITORS.glob("requirements-*.txt"))
RIVALS = {"requirements-original.txt": "flask", "requirements-txtai.txt": "txtai",
          "requirements-infinity.txt": "infinity-emb"}  # fmt: skip


def names(path: Path) -> set[str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert all("==" in line for line in lines)
    return {canonicalize_name(Requirement(line).name) for line in lines}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_competitor_is_pinned_without_torch_and_names_no_host(path: Path) -> None:
    pinned = names(path)
    assert RIVALS[path.name] in pinned
    assert "torch" not in pinned
    assert not {name for name in pinned if "nvidia" in name or "cuda" in name}
    assert "://" not in path.read_text()


def test_no_competitor_is_in_our_locks() -> None:
    ours = names(ROOT / "deploy" / "locks" / "dev.txt")
    assert not ours & set(RIVALS.values())
    assert set(RIVALS) == {path.name for path in FILES}


def test_the_reason_is_the_installers_last_error() -> None:
    assert reason("Looking\nERROR: first\nnotice\nERROR: no match\nhint") == "ERROR: no match"
    assert reason("") == "no output"


def test_a_query_is_escaped_for_its_place() -> None:
    query = 'the "best" film & more'
    assert Api("POST", "/s", '{"query": {query}}').line(query) == (
        '{"query": "the \\"best\\" film & more"}'
    )
    assert (
        Api("GET", "/s", "/s?q={query}").line(query) == "/s?q=the%20%22best%22%20film%20%26%20more"
    )
