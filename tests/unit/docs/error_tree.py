"""The public exceptions of the deployed code, and the tree of them in ``docs/errors.md``.

``python -m tests.unit.docs.error_tree --write`` draws the tree again: classes, bases and
descriptions (the first clause of each docstring) all come from the code.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "errors.md"
BEGIN, END = "<!-- error-tree:begin -->", "<!-- error-tree:end -->"
_LEAF = re.compile(r"^(\w+) \((\w+)\)")


@dataclass(frozen=True, order=True)
class ErrorClass:
    """A public exception class: the path of its module, its name, its base, and what it means."""

    path: str
    name: str
    base: str
    description: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What the page is compared by."""
        return self.path, self.name, self.base


def errors_in_code() -> list[ErrorClass]:
    """The public exception classes of ``shared`` and ``services``."""
    nodes = [
        (path.relative_to(ROOT).as_posix(), node)
        for folder in ("shared", "services")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
    ]
    classes = [(path, node) for path, node in nodes if isinstance(node, ast.ClassDef)]
    bases = {node.name: [_last_name(base) for base in node.bases] for _, node in classes}
    # A class whose base comes from a library is known by being raised.
    raised = {_raised_name(node) for _, node in nodes if isinstance(node, ast.Raise)}
    return sorted(
        ErrorClass(path, node.name, _last_name(node.bases[0]), _first_clause(node))
        for path, node in classes
        if not node.name.startswith("_") and _is_exception(node.name, bases, raised)
    )


def errors_in_page(text: str) -> set[tuple[str, str, str]]:
    """Path, name and base of each exception that the page's tree shows."""
    found = set()
    folders: list[str] = []
    for line in text.partition(BEGIN)[2].partition(END)[0].splitlines():
        name = line.lstrip("│├└─ ")
        depth = (len(line) - len(name)) // 4
        leaf = _LEAF.match(name)
        if leaf:
            found.add(("/".join(folders[:depth]), leaf[1], leaf[2]))
        elif name and not name.startswith("```"):
            folders[depth:] = [name.rstrip("/")]
    return found


def render(errors: Iterable[ErrorClass]) -> str:
    """The tree: folders, modules, and the classes in them."""
    tree: dict[str, object] = {}
    for error in errors:
        node = tree
        *folders, module = error.path.split("/")
        for part in (*(f"{folder}/" for folder in folders), module):
            node = node.setdefault(part, {})  # type: ignore[assignment]
        node[f"{error.name} ({error.base})"] = error.description
    return "\n".join(["```text", *_lines(tree), "```"])


def _lines(tree: dict[str, object], indent: str | None = None) -> Iterator[str]:
    for number, (name, child) in enumerate(tree.items(), 1):
        is_last = number == len(tree)
        mark = "" if indent is None else indent + ("└── " if is_last else "├── ")
        if isinstance(child, dict):
            yield f"{mark}{name}"
            below = "" if indent is None else indent + ("    " if is_last else "│   ")
            yield from _lines(child, below)
        else:
            yield f"{mark}{name}: {child}"


def _is_exception(
    name: str, bases: dict[str, list[str]], raised: set[str], above: tuple[str, ...] = ()
) -> bool:
    known = getattr(builtins, name, None)
    if isinstance(known, type):
        return issubclass(known, BaseException)
    if name in bases and name in raised:
        return True
    if name in above:
        return False
    return any(_is_exception(base, bases, raised, (*above, name)) for base in bases.get(name, []))


def _raised_name(node: ast.Raise) -> str:
    error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return error.id if isinstance(error, ast.Name) else ""


def _last_name(expression: ast.expr) -> str:
    return ast.unparse(expression).rpartition(".")[2]


def _first_clause(node: ast.ClassDef) -> str:
    line = (ast.get_docstring(node) or "").partition("\n")[0]
    return re.split(r"[.;](?:\s|$)", line)[0]


def main() -> int:
    """Draw the tree again, or say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="refresh docs/errors.md")
    write = parser.parse_args().write
    text = PAGE.read_text()
    code, page = errors_in_code(), errors_in_page(text)
    keys = {error.key for error in code}
    for path, name, _ in sorted(keys - page):
        print(f"new: {path}: {name}")
    for path, name, _ in sorted(page - keys):
        print(f"gone: {path}: {name}")
    if write:
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{render(code)}\n\n{END}{after}")
    return 0 if write or keys == page else 1


if __name__ == "__main__":
    sys.exit(main())
