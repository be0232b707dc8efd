"""Bounds of the code's layout, so that it stays easy to enter."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter

import grimp
import pytest

from tests.support.house import MOST_MODULES, House, figures, says_nothing, table

IO = (
    "redis", "faiss", "torch", "openvino", "fastapi", "scrapy", "sqlmodel", "sqlalchemy", "sqlite3",
    "socket", "asyncio", "subprocess", "httpx",
)  # fmt: skip

SHARED_FILE_NAMES = {
    "dead_letters.py": "dead letters: their list in Redis, the CLI command, the admin routes",
    "search.py": "search: the CLI command, the API routes",
    "settings.py": "settings: those of every service, and those of each service",
    "snapshots.py": "published snapshots: the CLI command, the admin routes",
}
"""File names that several folders may use, and why they mean the same there."""

SHARED_CLASS_NAMES: dict[str, str] = {}
"""Class names that several modules may use, and why."""


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def test_no_folder_has_too_many_modules(house: House) -> None:
    rooms = house.rooms()
    assert len(rooms) > 40
    assert {name: count for name, count in rooms.items() if count > MOST_MODULES} == {}


def test_every_package_says_what_it_is_for(house: House) -> None:
    packages = [module for module in house.deployed if module.path.name == "__init__.py"]
    short = [str(p.path) for p in packages if len(ast.get_docstring(p.tree) or "") < 60]
    assert short == []


def test_packages_have_no_circle() -> None:
    """Folders without folders in them are one node each; a module beside folders is its own."""
    graph = grimp.build_graph("services", "shared", cache_dir=None)
    packages = {module.rpartition(".")[0] for module in graph.modules}
    leaves = packages - {package.rpartition(".")[0] for package in packages}

    def node_of(module: str) -> str:
        package = module if module in leaves else module.rpartition(".")[0]
        return package if package in leaves else module

    imports: dict[str, set[str]] = {node_of(module): set() for module in graph.modules}
    for module in graph.modules:
        nodes = map(node_of, graph.find_modules_directly_imported_by(module))
        imports[node_of(module)] |= set(nodes) - {node_of(module)}
    assert len(leaves) > 30
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_a_module_that_calls_itself_pure_imports_no_io(house: House) -> None:
    """Neither directly nor through its imports."""
    pure = [
        ".".join(module.path.with_suffix("").parts)
        for module in house.deployed
        if "Pure." in (ast.get_docstring(module.tree) or "").split("\n\n")[0]
    ]
    assert len(pure) >= 25
    graph = grimp.build_graph("services", "shared", include_external_packages=True, cache_dir=None)
    impure = {
        (name.removesuffix(".__init__"), library)
        for name in pure
        for library in IO
        if library in graph.modules
        and graph.chain_exists(name.removesuffix(".__init__"), library, as_packages=False)
    }
    assert impure == set()


def test_a_file_name_has_one_meaning(house: House) -> None:
    assert house.shared_file_names().keys() == SHARED_FILE_NAMES.keys()


def test_a_class_name_has_one_meaning(house: House) -> None:
    assert house.shared_class_names().keys() == SHARED_CLASS_NAMES.keys()


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("snapshot_id", "Which."), ("folder", "Whose."), ("row", "Of the row."), ("it", "It."),
        ("mode", "The same."), ("store", "Where it lies."), ("encoder", "The snapshot's."),
        ("snapshot", "Opened."), ("dim", "Of their vectors."), ("most", "How many to choose."),
        ("work_list", "The work list."), ("floors", "As ``floors`` reads them."),
    ],
)  # fmt: skip
def test_a_description_that_says_nothing_is_counted(name: str, description: str) -> None:
    assert says_nothing(name, description)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("share", "From 0 to 1."), ("vectors", "Shape ``(n, dim)``, unit rows."),
        ("store", "The store that holds it."), ("run_id", "Id of the run."),
        ("grace_s", "Seconds between SIGTERM and SIGKILL."), ("rows", "Number of rows."),
        ("source", "The name of the source in that file."), ("k", "Number of hits, at most 100."),
    ],
)  # fmt: skip
def test_a_description_is_not_counted(name: str, description: str) -> None:
    assert not says_nothing(name, description)


def test_checkouts_are_compared_side_by_side(house: House) -> None:
    shown = table({"before": house, "after": house})
    assert [column.header for column in shown.columns] == ["", "before", "after"]
    assert shown.row_count == len(figures(house))
