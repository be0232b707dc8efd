"""A data file that is far larger than memory: read row by row, in memory that does not grow.

The rows are invented while the file is written. ``DATASET_MB`` is its size before compression, 100
in CI; `make soak` reads one of 2 GB.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.counts import Counted
from tests.support.soak import times

DATASET_MB = int(os.environ.get("DATASET_MB", str(times(100, soak=2048))))
MAY_GROW_MB = 40
MOVIES = 1000
_WORDS = (
    "quiet", "slow", "warm", "bitter", "train", "harbour", "winter", "brother", "letter",
    "stranger", "music", "garden", "forgotten", "promise", "laughter", "silence", "window",
    "mountain", "summer", "thief", "doctor", "village",
)  # fmt: skip
_READING = """
import resource, sys
from services.ingest.pages.datasets.dataset_items import Dataset
from services.ingest.pages.items import ReviewItem
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.dataset import items_of

source = DatasetSource.model_validate(
    {"name": "large", "spider": "dataset", "movies": sys.argv[1], "reviews": sys.argv[2]}
)
unread = []
items = items_of(Dataset(source, unread.append))
reviews = sum(isinstance(item, ReviewItem) for item in items)
print(reviews, len(unread), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def _write(folder: Path, megabytes: int) -> int:
    """Write the files; returns the number of reviews."""
    movies = [{"movie_id": f"m{n}", "title": f"Movie {n}"} for n in range(MOVIES)]
    (folder / "movies.jsonl").write_text("\n".join(map(json.dumps, movies)), encoding="utf-8")
    chance = random.Random(2)
    texts = [" ".join(chance.choices(_WORDS, k=chance.randint(20, 200))) for _ in range(500)]
    written = number = 0
    with gzip.open(folder / "reviews.jsonl.gz", "wt", compresslevel=1, encoding="utf-8") as file:
        while written < megabytes * 2**20:
            row = {
                "review_id": f"r{number}",
                "movie_id": f"m{number * 7 % MOVIES}",
                "rating": number % 11,
                "text": f"{number}: {texts[number * 31 % len(texts)]}",
            }
            written += file.write(json.dumps(row) + "\n")
            number += 1
    return number


def _read(folder: Path) -> tuple[int, int, int]:
    """Reviews, what is unread, and the largest size of a process that reads the files, in MB."""
    result = subprocess.run(
        [sys.executable, "-c", _READING, str(folder / "movies.jsonl"),
         str(folder / "reviews.jsonl.gz")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    reviews, unread, peak_mb = map(int, result.stdout.split())
    return reviews, unread, peak_mb


@pytest.mark.timeout(60 + 2 * DATASET_MB)
def test_memory_does_not_grow_with_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], counted: Counted
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    for folder, megabytes in ((small, 5), (large, DATASET_MB)):
        folder.mkdir()
        expected = _write(folder, megabytes)
    _, _, small_peak_mb = _read(small)
    reviews, unread, peak_mb = _read(large)
    packed_mb = (large / "reviews.jsonl.gz").stat().st_size // 2**20
    with capsys.disabled():
        print(
            f"\n{DATASET_MB} MB of JSON lines ({packed_mb} MB packed), {reviews} reviews: "
            f"at most {peak_mb} MB of memory; 5 MB of them: {small_peak_mb} MB"
        )
    counted("reviews of a large file", reviews)
    assert (reviews, unread) == (expected, 0)
    assert peak_mb - small_peak_mb < MAY_GROW_MB
