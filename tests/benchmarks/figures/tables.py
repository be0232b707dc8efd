"""Tables as data, for the console, documents and JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table with a title, a header row and remarks.

    Attributes:
        name: The name of its place in a document, ``<!-- bench:NAME -->``.
        title: The title on the console.
        columns: The header cells; the first column is left-aligned, the others are figures.
        rows: The cells of each row.
        remarks: Lines below the table.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        """The table as Markdown."""
        head = "| " + " | ".join(self.columns) + " |"
        rule = "|---" + "|---:" * (len(self.columns) - 1) + "|"
        body = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in self.rows]
        lines = [head, rule, *body]
        for remark in self.remarks:
            lines += ["", f"{remark}"]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The cells as text, for JSON."""
        return {
            "title": self.title,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "remarks": list(self.remarks),
        }


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", "<br>")
