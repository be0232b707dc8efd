"""docs/errors.md shows every public exception of the deployed code, where it is, and its base."""

from __future__ import annotations

from tests.unit.docs.error_tree import PAGE, errors_in_code, errors_in_page, render

REFRESH = "run: python -m tests.unit.docs.error_tree --write"


def test_the_tree_shows_the_exceptions_of_the_code() -> None:
    code = {error.key for error in errors_in_code()}
    assert len(code) > 40
    assert ("shared/snapshot/storage/verify.py", "SnapshotCorrupt", "RuntimeError") in code
    assert errors_in_page(PAGE.read_text()) == code, REFRESH


def test_every_exception_says_what_it_means() -> None:
    assert [error.name for error in errors_in_code() if len(error.description) < 10] == []


def test_what_is_drawn_is_what_is_read() -> None:
    errors = errors_in_code()
    drawn = f"<!-- error-tree:begin -->\n{render(errors)}\n<!-- error-tree:end -->"
    assert errors_in_page(drawn) == {error.key for error in errors}
