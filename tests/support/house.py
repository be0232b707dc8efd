"""The layout of the code in figures: ``make house``, ``python -m tests.support.house FOLDER ...``.

The figures of several checkouts are printed side by side. Files are read as text and syntax trees
and never imported, so that checkouts of other versions can be measured too. The bounds are in
``tests/unit/test_house.py``.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
CODE = ("shared", "services")  # the deployed code
MOST_MODULES = 15

# Words of a dialect: each has a plainer equivalent in the terms of the field.
_DIALECT = re.compile(r"\b(nobody|somebody|whoever|anew|for ever|told|lies)\b", re.IGNORECASE)
_VAGUE = re.compile(r"^(wanted|found|own|told)$")
_FILM = re.compile(r"\bfilms?\b", re.IGNORECASE)
_MOVIE_FIELDS = {"title", "year", "genres", "description"}
_COLUMN_WIDTH = 44
_LISTED = 8  # names in a cell

# An argument of a docstring, with the lines that continue it.
_SECTION = re.compile(r"^(?:Args|Attributes):\n((?:    .*\n|\n)+)", re.MULTILINE)
_ARGUMENT = re.compile(r"^    (\w+): (.+(?:\n {5,}.+)*)", re.MULTILINE)
# Descriptions that say nothing: a lone word, a possessive or a fragment without its noun, and a
# question instead of a description.
_EMPTY = re.compile(
    r"""
      [\w-]+                                             # "Which.", "It.", "Opened."
    | The\ same(\ \w+)?
    | (The|Its|Their|An?)\ [\w-]+'s?                      # "The snapshot's."
    | (Of|On|For|Over|From|With)\ [^\d,]\S*(\ [^\s,]+){0,2}   # "Of the row.", "On what."
    | (Which|Whose|Who|What|Where|When|How)(\ [^\s,]+){1,2}  # "Where it is.", "Whose reviews."
    | (What\ (it|is|was|has)|How\ many)(\ [^\s,]+){1,2}      # "How many to choose."
    | To\ be\ \w+
    | As\ \S+(\ \w+)?\ (says?|said|reads?)(\ (it|them|so))?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Module:
    """One Python file: its path, its text and its syntax tree."""

    path: Path  # relative to the checkout
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


@dataclass
class House:
    """The Python files of a checkout, and the figures of its layout."""

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
        """The number of modules in each folder, without ``__init__.py``, largest first."""
        counts = Counter(
            str(module.path.parent)
            for module in self.modules
            if module.path.name not in {"__init__.py", "conftest.py"}
        )
        return dict(counts.most_common())

    def shared_file_names(self) -> dict[str, list[str]]:
        """File names that occur in several folders of the deployed code, with the folders."""
        places: dict[str, list[str]] = defaultdict(list)
        for module in self.deployed:
            if not module.path.name.startswith("__"):
                places[module.path.name].append(str(module.path.parent))
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def shared_class_names(self) -> dict[str, list[str]]:
        """Public classes that several modules of the deployed code declare, with the modules."""
        places: dict[str, list[str]] = defaultdict(list)
        for module in self.deployed:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(module.path))
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def movie_declarations(self) -> list[str]:
        """Classes of the deployed code that declare the fields of a movie."""
        return [
            f"{module.path}:{node.name}"
            for module in self.deployed
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef) and _fields(node) >= _MOVIE_FIELDS
        ]

    def dialect_words(self) -> Counter[str]:
        """How often words of a dialect occur in the deployed code, the README and the docs."""
        counts = Counter[str]()
        for text in self._texts():
            counts.update(match.lower() for match in _DIALECT.findall(text))
        return counts

    def vague_names(self) -> Counter[str]:
        """How often variables of the deployed code have a name that says nothing."""
        return Counter(
            name
            for module in self.deployed
            for name in _bound_names(module.tree)
            if _VAGUE.match(name)
        )

    def film_words(self) -> int:
        """How often the deployed code says film; the API says movie."""
        return sum(len(_FILM.findall(module.text)) for module in self.deployed)

    def argument_lines_without_content(self) -> list[str]:
        """Arguments and attributes whose description in the docstring says nothing."""
        return [
            f"{module.path}:{line}: {name}: {description}"
            for module in self.deployed
            for line, name, description in _described(module.tree)
            if says_nothing(name, description)
        ]

    def _texts(self) -> Iterator[str]:
        yield from (module.text for module in self.deployed)
        for path in (self.root / "README.md", *sorted((self.root / "docs").rglob("*.md"))):
            yield path.read_text(encoding="utf-8")


def says_nothing(name: str, description: str) -> bool:
    """Whether the description of an argument only repeats its name, or is no description."""
    text = description.removesuffix(".")
    repeated = re.fullmatch(r"(?:The|An?|Its) (.+)", text, re.IGNORECASE)
    if repeated is not None and repeated[1].lower() == name.replace("_", " ").lower():
        return True
    return _EMPTY.fullmatch(text) is not None


def _described(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Line of the declaration, name and description of each argument in a docstring."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for section in _SECTION.finditer(f"{ast.get_docstring(node) or ''}\n"):
            for argument in _ARGUMENT.finditer(section[1]):
                yield node.lineno, argument[1], " ".join(argument[2].split())


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


def figures(house: House) -> dict[str, str]:
    """The figures of a checkout, by their label."""
    lengths = [module.lines for module in house.deployed if module.lines > 1]
    rooms = house.rooms()
    fullest = [f"{name} {count}" for name, count in list(rooms.items())[:3]]
    names, classes = house.shared_file_names(), house.shared_class_names()
    return {
        "lines of a module, median / max": f"{statistics.median(lengths):.0f} / {max(lengths)}",
        "modules in the fullest folders": ", ".join(fullest),
        f"folders of more than {MOST_MODULES} modules": str(_over(rooms)),
        "file names in several folders": _listed(names),
        "class names in several modules": _listed(classes),
        "classes that declare a movie": str(len(house.movie_declarations())),
        "words of a dialect, code and docs": str(sum(house.dialect_words().values())),
        "variables whose name says nothing": _counted(house.vague_names()),
        "occurrences of film in the code": str(house.film_words()),
        "arguments described by nothing": str(len(house.argument_lines_without_content())),
    }


def _over(rooms: dict[str, int]) -> int:
    return sum(count > MOST_MODULES for count in rooms.values())


def _listed(names: Collection[str]) -> str:
    if not names:
        return "0"
    more = ", ..." if len(names) > _LISTED else ""
    return f"{len(names)}: {', '.join([*names][:_LISTED])}{more}"


def _counted(counts: Counter[str]) -> str:
    parts = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return f"{sum(counts.values())}: {parts}" if counts else "0"


def table(checkouts: Mapping[str, House]) -> Table:
    """The figures of checkouts side by side: a row for each figure, a column for each checkout."""
    shown = Table("", *checkouts, box=box.SIMPLE_HEAD, pad_edge=False)
    columns = [figures(house) for house in checkouts.values()]
    for label in columns[0]:
        shown.add_row(label, *(column[label] for column in columns))
    return shown


def main() -> None:
    """Print the table for one checkout, or for several side by side."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.house", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="*", default=[ROOT], help="checkouts to measure")
    folders = parser.parse_args().folder
    checkouts = {str(folder.resolve()): House(folder) for folder in folders}
    width = _COLUMN_WIDTH * (1 + len(checkouts))
    Console(width=width).print(table(checkouts), highlight=False)


if __name__ == "__main__":
    main()
