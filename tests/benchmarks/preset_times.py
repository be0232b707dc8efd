"""``python -m tests.benchmarks.preset_times``: how long the files of each preset take to read.

The largest file of each data set is made of invented rows, which are those of the preset's test
with a review of ordinary length, and read as a crawl reads it. Times are CPU time, so that other
work on the machine changes them little; what follows the reading (storing, encoding) is not in it.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services.ingest.pages.datasets.dataset_items import Dataset
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.dataset import items_of
from tests.benchmarks.figures.tables import Table
from tests.unit.ingest.pages.datasets.test_presets import FILES

ROWS = 20_000
TEXT = " ".join(["Salt", "and", "silence", "where", "the", "river", "ends", "before", "dawn."] * 20)


class Large(NamedTuple):
    """The largest file of a data set.

    Attributes:
        file: Its name.
        number: The text in the row that differs from row to row.
        text: The review in the row, or an empty text.
        rows: How many rows the whole data set has, as its publisher says.
        line: The line of the test's file that is repeated.
    """

    file: str
    number: str
    text: str
    rows: int
    line: int = -1


LARGE = {
    "acl-imdb": Large("train/unsup/0_0.txt", "", "Tide.", 100_000),
    "amazon-2023": Large("Movies_and_TV.jsonl", "B0X", "Salt.", 17_328_314),
    "imdb-spoiler": Large("IMDB_reviews.json", "3 February", "Salt.", 573_913),
    "imdb-tsv": Large("title.basics.tsv.gz", "0055501", "", 11_000_000, line=1),
    "letterboxd": Large("reviews.csv", "ab1", "Salt.", 1_000),
    "movielens": Large("movies.csv", "8", "", 87_585),
    "rotten-tomatoes": Large(
        "rotten_tomatoes_critic_reviews.csv", "Kim", "Salt.", 1_130_017, line=1
    ),
    "tag-genome": Large("reviews.json", "}", "Salt and silence.", 2_624_608),
    "tmdb-5000": Large("tmdb_5000_movies.csv", "11", "", 4_803),
    "tmdb-reviews": Large("movies.jsonl", "0055501", "", 10_000),
}


def main() -> None:
    """Measure every preset and print the table."""
    columns = ("preset", "file", "CPU s per 100,000 rows", "rows of the data set", "CPU minutes")
    table = Table(
        "presets",
        "Reading the largest file of each preset's data set",
        columns,
        tuple(_row(preset, large) for preset, large in LARGE.items()),
    )
    print(table.markdown())


def _row(preset: str, large: Large) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), preset, large)
        source = DatasetSource(name="s", spider="dataset", preset=preset, folder=Path(folder))
        began = time.process_time()
        for _ in items_of(Dataset(source, lambda _: None)):
            pass
        per_row = (time.process_time() - began) / ROWS
    minutes = per_row * large.rows / 60
    return (
        preset, large.file, f"{per_row * 100_000:.1f}", f"{large.rows:,}",
        f"{minutes:.0f}" if minutes >= 1 else "less than 1",
    )  # fmt: skip


def _write(folder: Path, preset: str, large: Large) -> None:
    for path, content in FILES[preset].items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path == large.file and preset == "acl-imdb":
            for number in range(ROWS):
                (file.parent / f"{number}_0.txt").write_text(TEXT)
            url = FILES[preset]["train/urls_unsup.txt"]
            (folder / "train/urls_unsup.txt").write_text(url * ROWS)
            continue
        if preset == "acl-imdb" and path.endswith("urls_unsup.txt"):
            continue
        lines = "".join(_many(content, large)) if path == large.file else content
        data = lines.encode()
        file.write_bytes(gzip.compress(data) if path.endswith(".gz") else data)


def _many(content: str, large: Large) -> Iterator[str]:
    lines = content.splitlines(keepends=True)
    row = lines.pop(large.line)
    yield from lines
    if large.text:
        row = row.replace(large.text, TEXT)
    for number in range(ROWS):
        unlike = f"{number:07d}" if large.number != "}" else f', "n": {number}}}'
        yield row.replace(large.number, unlike, 1)


if __name__ == "__main__":
    main()
