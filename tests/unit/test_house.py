"""The layout of the code: bounds that hold, so that it stays easy to enter."""

from __future__ import annotations

import ast

import grimp
import pytest

from tests.support.house import MOST_MODULES, House

IO = (
    "redis", "faiss", "torch", "openvino", "fastapi", "scrapy", "sqlmodel", "sqlalchemy", "sqlite3",
    "socket", "asyncio", "subprocess", "httpx",
)  # fmt: skip


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


def test_what_calls_itself_pure_imports_no_io(house: House) -> None:
    """Transitively: also what its imports import."""
    pure = [
        ".".join(module.path.with_suffix("").parts)
        for module in house.deployed
        if "Pure." in (ast.get_docstring(module.tree) or "").split("\n\n")[0]
    ]
    assert len(pure) >= 25
    graph = grimp.build_graph("services", "shared", include_external_packages=True)
    impure = {
        (name.removesuffix(".__init__"), library)
        for name in pure
        for library in IO
        if library in graph.modules
        and graph.chain_exists(name.removesuffix(".__init__"), library, as_packages=False)
    }
    assert impure == set()
