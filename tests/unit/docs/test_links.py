"""Paths, modules and links that the documentation names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "tests" / "tour").glob("*.md"),
    ]
)
TOPS = ("deploy", "docs", "services", "shared", "tests")
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"(?:{'|'.join(TOPS)})/[\w./<>*{{}},-]*")
_MODULE = re.compile(r"(?<![\w./-])(?:services|shared|tests)(?:\.[a-z_]\w*)+")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
BUILT = ("services/query/ui/dist",)  # not in a checkout


def exists(path: str) -> bool:
    """Whether a path of the repository exists; ``<name>`` and ``*`` stand for any name."""
    pattern = re.sub(r"<[^>]*>", "*", path.rstrip("/"))
    if "*" in pattern:
        return any(ROOT.glob(pattern))
    return (ROOT / pattern).exists()


def is_module(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    path = ROOT.joinpath(*name.split("."))
    files = [folder.with_suffix(".py") for folder in (path, path.parent, path.parent.parent)]
    return path.is_dir() or any(file.is_file() for file in files)


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    paths = [
        match[0]
        for quoted in _QUOTED.findall(text)
        if (match := _PATH.fullmatch(quoted)) and not quoted.startswith(BUILT)
    ]
    assert [path for path in paths if not exists(path)] == []
    modules = {name for name in _MODULE.findall(text) if not name.endswith((".py", ".md"))}
    assert sorted(name for name in modules if not is_module(name)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in slugs(target)):
            broken.append(link)
    assert broken == []


def test_the_pages_are_read() -> None:
    named = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md"} <= named
    assert len(named) > 40


def test_what_is_missing_is_found() -> None:
    assert not exists("services/no_such_room")
    assert exists("docs/decisions/00*")
    assert exists("services/<name>/__init__.py")
    assert not is_module("services.ingest.no.such.module")
    assert is_module("shared.encoder.layout")
