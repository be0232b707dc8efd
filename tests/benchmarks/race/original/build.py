"""The files of the original design, from a snapshot: five reviews per movie, mean-pooled."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np

from services.evaluation.original import chosen
from shared.encoder import GraphEncoder, available_threads
from tests.benchmarks.catalogues.built import Catalogue

INDEX, IDS, DATABASE = "movies.faiss", "embedding_idx_to_movie_id.json", "movies.sqlite"


def ensure_files(source: Catalogue, folder: Path) -> Path:
    """The folder with the files of a catalogue, which are made unless they exist.

    Args:
        source: The catalogue.
        folder: The folder for the files, kept between runs.
    """
    target = folder / source.fingerprint
    if (target / DATABASE).is_file():
        return target
    target.mkdir(parents=True, exist_ok=True)
    encoder = GraphEncoder(source.artefact, threads=available_threads(), keep_direction=True)
    means = []
    for row in range(source.snapshot.index.rows):
        kept = chosen(source.snapshot.catalogue.reviews_of(row))
        means.append(encoder.encode_passages([review.text for review in kept]).mean(axis=0))
    vectors = np.stack(means)
    index = faiss.IndexFlatIP(encoder.spec.dim)
    index.add(np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)))
    faiss.write_index(index, str(target / INDEX))
    movies = source.movies()
    (target / IDS).write_text(json.dumps({n: movie.movie_id for n, movie in enumerate(movies)}))
    partial = target / f"{DATABASE}.new"
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as database, database:
        database.execute("CREATE TABLE movies (movie_id TEXT PRIMARY KEY, title, description)")
        database.executemany(
            "INSERT INTO movies VALUES (?, ?, ?)",
            [(movie.movie_id, movie.title, movie.description) for movie in movies],
        )
    partial.rename(
        target / DATABASE
    )  # last, because its existence means that all files are complete
    return target
