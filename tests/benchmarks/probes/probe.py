"""Single parts of the system in processes: ``python -m tests.benchmarks.probes.probe KIND``.

A probe opens what it needs and prints ``{"ready_s": ...}``. Then it runs the command of each JSON
line on standard input, and prints the number of operations, wall and CPU seconds. So several probes
can take turns without disturbing each other, and their memory is measured separately.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np


class Timed(NamedTuple):
    """Operations with a wall time that leaves out other work of the same command."""

    operations: int
    wall_s: float


class Probe(Protocol):
    """A part of the system that runs commands."""

    def run(self, command: dict[str, Any]) -> int | Timed:
        """Run a command; returns the number of operations."""
        ...


class EncodeProbe:
    """Encodes texts with the artefact's graph: ``encode FOLDER THREADS PRECISION``."""

    def __init__(self, folder: str, threads: str, precision: str) -> None:
        from shared.encoder import GraphEncoder  # noqa: PLC0415 - memory of this probe only

        settings: dict[str, Any] = {"threads": int(threads), "precision": precision}
        self._encoder = GraphEncoder(Path(folder), **settings)

    def run(self, command: dict[str, Any]) -> int:
        """Encode ``texts``, ``batch`` at a time: as queries, or as passages for ``bulk``."""
        encoder = self._encoder
        encode = encoder.encode_passages if command.get("bulk") else encoder.encode_queries
        for batch in batches(command["texts"], command["batch"]):
            encode(batch)
        return len(command["texts"])


class ReferenceProbe:
    """Encodes texts with sentence-transformers, torch in float32: ``reference MODEL THREADS``."""

    def __init__(self, model: str, threads: str) -> None:
        import torch  # noqa: PLC0415 - memory of this probe only
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        torch.set_num_threads(int(threads))
        self._model = SentenceTransformer(model, device="cpu")

    def run(self, command: dict[str, Any]) -> int:
        """Encode ``texts``, ``batch`` at a time, or sorted by length in batches of 64 for 0."""
        texts = command["texts"]
        for batch in batches(texts, command["batch"]):
            self._model.encode(
                batch, batch_size=64, normalize_embeddings=True, show_progress_bar=False
            )
        return len(texts)


class SearchProbe:
    """The searcher without its encoder, on a snapshot: ``search STORE SNAPSHOT_ID``."""

    def __init__(self, store: str, snapshot_id: str) -> None:
        from shared.retrieval.searcher import Searcher  # noqa: PLC0415
        from shared.snapshot.reader import open_snapshot  # noqa: PLC0415
        from shared.snapshot.storage.store import SnapshotStore  # noqa: PLC0415

        self._snapshot = open_snapshot(SnapshotStore(Path(store)), snapshot_id)
        self._searcher = Searcher(self._snapshot)

    def run(self, command: dict[str, Any]) -> int:
        """Search for ``texts`` with random vectors: a cosine costs the same; or ``similar``.

        The movies of ``similar`` are those of the first rows, each with the reasons of its page.
        """
        from shared.retrieval.searcher import SearchQuery  # noqa: PLC0415

        if "similar" in command:
            return self._similar(command["similar"])
        vectors = unit_rows(len(command["texts"]), self._snapshot.index.dim, seed=1)
        for text, vector in zip(command["texts"], vectors, strict=True):
            self._searcher.search(SearchQuery(k=10, evidence=1, text=text, vector=vector))
        return len(command["texts"])

    def _similar(self, movies: int) -> int:
        for movie in self._snapshot.catalogue.movies(range(movies)):
            page = self._searcher.similar(movie.movie_id, k=10, evidence=1)
            for hit in page.hits:
                self._searcher.shared_evidence(movie, hit.movie)
        return movies


class FlatProbe:
    """Our flat index over random unit vectors: ``flat ROWS DIM FOLDER``."""

    def __init__(self, rows: str, dim: str, folder: str) -> None:
        from shared.snapshot.files.index import VectorIndex, write_index  # noqa: PLC0415

        self._vectors = unit_rows(int(rows), int(dim), seed=0)
        path = Path(folder) / f"flat-{rows}.faiss"
        write_index(path, self._vectors)
        self._index = VectorIndex(path, rows=int(rows), dim=int(dim))
        path.unlink()
        self._queries = unit_rows(512, int(dim), seed=1)

    def run(self, command: dict[str, Any]) -> int:
        """``search`` with ``batch`` queries at a time, or ``read`` the matrix once."""
        times = command["times"]
        if command["what"] == "read":
            for _ in range(times):
                READERS[command["reader"]](self._vectors, self._queries[0])
            return int(times)
        for n in range(times):
            first = n * command["batch"] % (len(self._queries) - command["batch"] + 1)
            self._index.search(self._queries[first : first + command["batch"]], command["k"])
        return int(times)


class PublishProbe:
    """A catalogue of random vectors: ``publish FOLDER MOVIES TEXTS ARTEFACT``."""

    def __init__(self, folder: str, movies: str, texts: str, artefact: str) -> None:
        from shared.encoder import read_artefact  # noqa: PLC0415 - memory of this probe only
        from tests.benchmarks.catalogues.synthetic import SyntheticCatalogue  # noqa: PLC0415

        self._catalogue = SyntheticCatalogue(
            Path(folder),
            int(movies),
            json.loads(Path(texts).read_text()),
            read_artefact(Path(artefact)).encoder,
        )

    def run(self, command: dict[str, Any]) -> Timed:
        """``fill``, ``change_one`` or ``publish_all``; the time is that of publishing."""
        return Timed(1, getattr(self._catalogue, command["what"])())


READERS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda matrix, _: matrix.view(np.int64).sum(),
    "maximum": lambda matrix, _: matrix.view(np.int32).max(),
    "product": lambda matrix, query: matrix @ query,
}
"""Ways to read every number once; the fastest of them is the cost of reading."""

KINDS: dict[str, Callable[..., Probe]] = {
    "encode": EncodeProbe,
    "reference": ReferenceProbe,
    "search": SearchProbe,
    "flat": FlatProbe,
    "publish": PublishProbe,
}


def unit_rows(rows: int, dim: int, *, seed: int) -> np.ndarray:
    """Random unit vectors, float32, shape ``(rows, dim)``."""
    made = np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Slices of ``size`` items; all of them at once for 0."""
    step = size or max(1, len(items))
    for first in range(0, len(items), step):
        yield items[first : first + step]


def main() -> int:
    """Serve the commands on standard input until it ends."""
    kind, *arguments = sys.argv[1:]
    started = time.perf_counter()
    probe = KINDS[kind](*arguments)
    _print(ready_s=time.perf_counter() - started)
    for line in sys.stdin:
        command = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        done = probe.run(command)
        cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
        if isinstance(done, int):
            done = Timed(done, wall_s)
        _print(operations=done.operations, wall_s=done.wall_s, cpu_s=cpu_s, peak_mb=peak_mb())
    return 0


def peak_mb() -> float:
    """The peak memory of this process in MB; 0 where the system does not report it.

    Not ``ru_maxrss``, which starts with the memory of the parent.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), 0.0)


def _print(**figures: float) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
