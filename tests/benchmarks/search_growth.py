"""What a search costs as the catalogue grows: ``python -m tests.benchmarks.search_growth``.

Two snapshots of the same kind of movies, 500 and 10,000 of them, made of the real reviews beside
the checkout: real texts for the lexical index and the catalogue, random unit vectors in the place
of encoded passages (a cosine costs the same whatever the vectors mean). The same queries are put
to both, turn by turn, in one process on one thread; the CPU time of a full hybrid answer with
evidence, encoding left out, is printed with the ratio.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.passages import split
from shared.retrieval.searcher import Search, Searcher
from shared.snapshot.commit import Draft, publish
from shared.snapshot.manifest import EncoderName
from shared.snapshot.reader import open_snapshot
from shared.snapshot.store import SnapshotStore
from shared.snapshot.writer import EncodedReview, MovieFacts, SnapshotWriter

DATA = Path(__file__).parents[3] / "shared" / "data"
SIZES = (500, 10_000)
DIM = 384
PASSAGE_WORDS = 50  # about 64 word pieces
ROUNDS = 5


def main() -> int:
    """Build, measure, print; returns the exit code."""
    if not (DATA / "imdb75k" / "reviews.parquet").exists():
        print(f"no real reviews at {DATA}")
        return 1
    queries = [
        json.loads(line)["text"]
        for line in (DATA / "queries" / "imdb75k-plot" / "queries.jsonl").read_text().splitlines()
    ]
    random = np.random.default_rng(1)
    vectors = unit(random.normal(size=(len(queries), DIM)))
    with tempfile.TemporaryDirectory() as folder:
        searchers = {size: build(Path(folder) / str(size), size) for size in SIZES}
        costs: dict[int, list[float]] = {size: [] for size in SIZES}
        for turn in range(ROUNDS + 1):
            for size, searcher in searchers.items():
                cost_ms = measure(searcher, queries, vectors)
                if turn:  # the first warms up
                    costs[size].append(cost_ms)
        for size, found in costs.items():
            print(
                f"{size:>6} movies: {min(found):.2f} ms of CPU a search (minimum), "
                f"{statistics.median(found):.2f} (median of {ROUNDS})"
            )
        small, large = (statistics.median(costs[size]) for size in SIZES)
        print(f"ratio {large / small:.2f}")
    return 0


def measure(searcher: Searcher, queries: Sequence[str], vectors: np.ndarray) -> float:
    """CPU milliseconds of one search."""
    started = time.process_time()
    for text, vector in zip(queries, vectors, strict=True):
        searcher.search(Search(k=10, evidence=1, text=text, vector=vector))
    return 1000 * (time.process_time() - started) / len(queries)


def build(folder: Path, size: int) -> Searcher:
    """A snapshot of the first ``size`` movies."""
    table = pq.read_table(DATA / "imdb75k" / "reviews.parquet", columns=["movie_id", "text"])
    movies = sorted(set(table["movie_id"].to_pylist()))[:size]
    table = table.filter(pc.is_in(table["movie_id"], pa.array(movies))).sort_by("movie_id")
    reviews: dict[str, list[str]] = {}
    for movie_id, text in zip(
        table["movie_id"].to_pylist(), table["text"].to_pylist(), strict=True
    ):
        reviews.setdefault(movie_id, []).append(text)
    store = SnapshotStore(folder)
    manifest = publish(store, sequence=1, write=lambda target: write(target, reviews))
    print(f"built {size} movies, {manifest.counts.passages} passages", flush=True)
    return Searcher(open_snapshot(store, manifest.snapshot_id))


def write(folder: Path, reviews: dict[str, list[str]]) -> Draft:
    """Write a snapshot's files."""
    random = np.random.default_rng(0)
    spans = {
        movie_id: split(texts, lambda parts: [len(part.split()) for part in parts], PASSAGE_WORDS)
        for movie_id, texts in reviews.items()
    }
    passages = sum(len(own) for found in spans.values() for own in found)
    with SnapshotWriter(folder, dim=DIM, passages=passages) as writer:
        for movie_id, texts in reviews.items():
            encoded = [
                EncodedReview(
                    review_id=f"{movie_id}-{n}",
                    text=text,
                    spans=own,
                    vectors=unit(random.normal(size=(len(own), DIM))),
                )
                for n, (text, own) in enumerate(zip(texts, spans[movie_id], strict=True))
            ]
            pooled = unit(np.concatenate([review.vectors for review in encoded]).mean(0)[None])[0]
            writer.add(MovieFacts(movie_id=movie_id), encoded, pooled)
    name = EncoderName(encoder_id="none", model="random", dim=DIM, passage_precision="f32")
    return Draft(counts=writer.counts, encoder=name)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of unit length, float32."""
    result: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return result


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
