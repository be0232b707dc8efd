"""The report: tables for people, JSON for programs, and tables in a document."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from tests.benchmarks.figures import targets
from tests.benchmarks.figures.document import places, written
from tests.benchmarks.figures.section import Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Key, Outcome

LATEST = "latest.json"


def show(console: Console, table: Table) -> None:
    """Print a table."""
    made = RichTable(
        title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        pad_edge=False,
    )  # fmt: skip
    for n, column in enumerate(table.columns):
        made.add_column(column, justify="right" if n else "left", overflow="fold")
    for row in table.rows:
        made.add_row(*row)
    console.print(made)
    for remark in table.remarks:
        console.print(remark, style="dim", highlight=False, markup=False)


def outcomes_of(sections: Mapping[str, Section]) -> dict[Key, Outcome]:
    """The outcomes of all sections, by target."""
    return {
        key: outcome for section in sections.values() for key, outcome in section.outcomes.items()
    }


def write_json(
    folder: Path, sections: Mapping[str, Section], tables: Sequence[Table], **facts: Any
) -> Path:
    """Write all figures to a file named after the time, and to ``latest.json``.

    Raises:
        OSError: a file cannot be written.
    """
    body = {
        "format_version": 1,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
        "targets": targets.to_json(outcomes_of(sections)),
        "sections": {name: section.figures for name, section in sections.items()},
        "tables": {table.name: table.to_json() for table in tables},
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_finite(body), indent=1, default=str) + "\n"
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(text)
    (folder / LATEST).write_text(text)
    return path


def write_document(path: Path, tables: Sequence[Table], drawings: Mapping[str, str]) -> None:
    """Write the tables into their places in a document, and the drawings into files beside it.

    A table without a place in the document is skipped; a place without a table keeps its text.

    Raises:
        OSError: a file cannot be read or written.
    """
    document = path.read_text()
    present = set(places(document))
    texts = {table.name: table.markdown() for table in tables}
    for name, drawing in drawings.items():
        file = path.with_name(f"{path.stem}-{name}.svg")
        file.write_text(drawing)
        texts[f"{name}-chart"] = f"![The same as a chart]({file.name})"
    path.write_text(written(document, {k: v for k, v in texts.items() if k in present}))


def _finite(value: Any) -> Any:
    """Replace infinity and NaN by None, because JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
