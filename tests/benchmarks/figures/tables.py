"""Tables as data: printed for people, written into documents, kept in JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """Cells with a head.

    Attributes:
        name: Its marker in a document, ``<!-- bench:NAME -->``.
        columns: The head; the first column is left-aligned, the others are figures.
        remarks: Below it, a line each.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        """As a table of a document."""
        head = "| " + " | ".join(self.columns) + " |"
        rule = "|---" + "|---:" * (len(self.columns) - 1) + "|"
        body = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in self.rows]
        lines = [head, rule, *body]
        for remark in self.remarks:
            lines += ["", f"{remark}"]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The cells as they are shown."""
        return {
            "title": self.title,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "remarks": list(self.remarks),
        }


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", "<br>")
