"""The layout of the code in figures: ``make house``, or ``python -m tests.support.house [FOLDER]``.

It reads Python files as text and syntax trees; nothing of them is imported, so that it can also
measure a checkout of another version. ``tests/unit/test_house.py`` holds the bounds.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("shared", "services")  # what is deployed; tests and deploy are measured beside it
MOST_MODULES = 15

# Words of a dialect: each has a plainer equivalent in the field's own terms.
_DIALECT = re.compile(r"\b(nobody|somebody|whoever|anew|for ever|told|lies)\b", re.IGNORECASE)
_VAGUE = re.compile(r"^(wanted|found|own|told)$")
_FILM = re.compile(r"\bfilms?\b", re.IGNORECASE)
_MOVIE_FIELDS = {"title", "year", "genres", "description"}


@dataclass(frozen=True)
class Module:
    """One Python file: where it is, its text, and its syntax tree."""

    path: Path  # relative to the checkout
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


@dataclass
class House:
    """The Python files of a checkout, and what is counted over them."""

    root: Path = ROOT
    modules: list[Module] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.modules = [
            Module(path.relative_to(self.root), text, ast.parse(text))
            for top in (*CODE, "tests", "deploy")
            for path in sorted((self.root / top).rglob("*.py"))
            if "node_modules" not in path.parts
            for text in (path.read_text(encoding="utf-8"),)
        ]

    @property
    def deployed(self) -> list[Module]:
        """The modules of ``shared`` and ``services``."""
        return [module for module in self.modules if module.path.parts[0] in CODE]

    def rooms(self) -> dict[str, int]:
        """How many modules each folder of Python holds, ``__init__.py`` not counted."""
        counts = Counter(
            str(module.path.parent)
            for module in self.modules
            if module.path.name not in {"__init__.py", "conftest.py"}
        )
        return dict(counts.most_common())

    def shared_file_names(self) -> dict[str, list[str]]:
        """File names that stand in more than one folder of the deployed code."""
        places: dict[str, list[str]] = defaultdict(list)
        for module in self.deployed:
            if not module.path.name.startswith("__"):
                places[module.path.name].append(str(module.path.parent))
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def shared_class_names(self) -> dict[str, list[str]]:
        """Public classes of the deployed code that are declared in more than one module."""
        places: dict[str, list[str]] = defaultdict(list)
        for module in self.deployed:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(module.path))
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def movie_declarations(self) -> list[str]:
        """Classes of the deployed code that declare the facts of a movie field by field."""
        return [
            f"{module.path}:{node.name}"
            for module in self.deployed
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef) and _fields(node) >= _MOVIE_FIELDS
        ]

    def dialect_words(self) -> Counter[str]:
        """How often words of a dialect stand in the deployed code, the README and the docs."""
        found = Counter[str]()
        for text in self._texts():
            found.update(match.lower() for match in _DIALECT.findall(text))
        return found

    def vague_names(self) -> Counter[str]:
        """How often variables of the deployed code are named after no thing."""
        return Counter(
            name
            for module in self.deployed
            for name in _bound_names(module.tree)
            if _VAGUE.match(name)
        )

    def film_words(self) -> int:
        """How often the deployed code says film where the API says movie."""
        return sum(len(_FILM.findall(module.text)) for module in self.deployed)

    def argument_lines_without_content(self) -> list[str]:
        """Lines of argument sections in docstrings that describe nothing: ``name: Which.``."""
        line = re.compile(r"^\s+\w+: (\w+'?s?|Of the \w+|As \w+ said)\.$", re.MULTILINE)
        return [
            f"{module.path}: {match[0].strip()}"
            for module in self.deployed
            for match in line.finditer(module.text)
        ]

    def _texts(self) -> Iterator[str]:
        yield from (module.text for module in self.deployed)
        for path in (self.root / "README.md", *sorted((self.root / "docs").rglob("*.md"))):
            yield path.read_text(encoding="utf-8")


def _fields(node: ast.ClassDef) -> set[str]:
    return {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def _bound_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def rows(house: House) -> list[tuple[str, str]]:
    """The figures as rows of a table: what is counted, and how many."""
    lengths = [module.lines for module in house.deployed if module.lines > 1]
    rooms = house.rooms()
    fullest = [f"{name} {count}" for name, count in list(rooms.items())[:3]]
    names, classes = house.shared_file_names(), house.shared_class_names()
    return [
        ("lines of a module, median / max", f"{statistics.median(lengths):.0f} / {max(lengths)}"),
        ("modules in the fullest folders", ", ".join(fullest)),
        (f"folders of more than {MOST_MODULES} modules", str(_over(rooms))),
        ("file names in more than one folder", f"{len(names)}: {', '.join(names)}"),
        ("public classes of one name", f"{len(classes)}: {', '.join(classes)}"),
        ("places that declare a movie", str(len(house.movie_declarations()))),
        ("words of a dialect, code and docs", str(sum(house.dialect_words().values()))),
        ("variables named after no thing", _counted(house.vague_names())),
        ("film in the deployed code", str(house.film_words())),
        ("argument lines that say nothing", str(len(house.argument_lines_without_content()))),
    ]


def _over(rooms: dict[str, int]) -> int:
    return sum(count > MOST_MODULES for count in rooms.values())


def _counted(counts: Counter[str]) -> str:
    parts = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return f"{sum(counts.values())}: {parts}" if counts else "0"


def main() -> None:
    """Print the table for one checkout, or for several side by side."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.house", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="*", default=[ROOT], help="checkouts to measure")
    for folder in parser.parse_args().folder:
        print(f"# {folder.resolve()}" if folder != ROOT else "# this checkout")
        for name, value in rows(House(folder)):
            print(f"{name:40} {value}")


if __name__ == "__main__":
    main()
