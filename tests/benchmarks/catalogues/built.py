"""The catalogues of the measurements, built by the system's own services and kept.

``imdb500`` is read from ``../shared/data`` beside the checkout; ``demo`` is the bundled site,
crawled over HTTP. ``services.evaluation.snapshot_build`` builds both below ``build/bench``, and
they are used again while nothing that decides their content has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from services.evaluation.datasets import SMALL, snapshot_of
from services.evaluation.snapshot_build import ensure_snapshot
from shared.encoder import artefact_folder
from shared.snapshot.files.catalogue import CatalogueMovie
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.benchmarks.catalogues.queries import read_queries

Say = Callable[[str], None]
QUERY_SETS = ("imdb500-plot", "imdb75k-plot")
PAGE = 1000


@dataclass(frozen=True)
class Catalogue:
    """Movies in a snapshot store, and queries for them."""

    name: str
    store: SnapshotStore
    queries_from: str
    queries: Sequence[str]

    @cached_property
    def snapshot(self) -> Snapshot:
        """The current snapshot, opened for reading."""
        current = self.store.current()
        return open_snapshot(
            self.store, current.snapshot_id, manifest_sha256=current.manifest_sha256
        )

    @property
    def data_dir(self) -> Path:
        """The data folder of the system that built it."""
        return self.store.root.parent

    @property
    def artefact(self) -> Path:
        """The folder of the encoder that made its vectors."""
        return artefact_folder(self.store.root, self.snapshot.manifest.encoder.encoder_id)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the reviews and their movies, independent of the snapshot."""
        digest = hashlib.sha256()
        for movie in self.movies():
            digest.update(f"{movie.movie_id}\n{movie.title}\n{movie.description}\n".encode())
        for text in self.reviews():
            digest.update(f"{text}\n".encode())
        return digest.hexdigest()[:16]

    def movies(self) -> list[CatalogueMovie]:
        """All movies, in the order of their rows."""
        rows = self.snapshot.index.rows
        pages = (range(n, min(n + PAGE, rows)) for n in range(0, rows, PAGE))
        return [movie for page in pages for movie in self.snapshot.catalogue.movies(page)]

    def passages(self) -> list[str]:
        """The texts of all passages, in the order of their rows."""
        catalogue, count = self.snapshot.catalogue, self.snapshot.manifest.counts.passages
        pages = (range(n, min(n + PAGE, count)) for n in range(0, count, PAGE))
        return [passage.text for page in pages for passage in catalogue.passages(page)]

    def reviews(self) -> list[str]:
        """The texts of all reviews, movie by movie."""
        catalogue = self.snapshot.catalogue
        rows = range(self.snapshot.index.rows)
        return [review.text for row in rows for review in catalogue.reviews_of(row)]


def imdb500(data: Path, work: Path, say: Say) -> Catalogue | None:
    """500 movies with five reviews each; None when the real reviews are missing.

    Raises:
        services.evaluation.snapshot_build.BuildFailed: the snapshot cannot be built.
    """
    if not (data / "imdb500" / "reviews.parquet").is_file():
        return None
    store = snapshot_of(SMALL, data=data, work=work, say=say)
    queries = [text for name in QUERY_SETS for text in read_queries(data, name)]
    if queries:
        source = f"{len(queries)} plots of {' and '.join(QUERY_SETS)}"
        return Catalogue("imdb500", store, source, queries)
    return _of_titles("imdb500", store)


def demo(work: Path, say: Say) -> Catalogue:
    """The bundled demo catalogue.

    Raises:
        services.evaluation.snapshot_build.BuildFailed: the snapshot cannot be built.
    """
    folder = work / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.toml"
    sources.write_text("# The bundled demo is always there.\n")
    store = ensure_snapshot(folder / "data", sources=sources, source="demo", files=[], say=say)
    return _of_titles("demo", store)


def _of_titles(name: str, store: SnapshotStore) -> Catalogue:
    """A catalogue whose queries are its titles, because it has no judged queries."""
    catalogue = Catalogue(name, store, "", ())
    titles = [movie.title for movie in catalogue.movies() if movie.title]
    return Catalogue(name, store, f"the {len(titles)} titles of {name}", titles)
