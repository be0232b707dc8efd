"""The server of the original design: ``python app.py --folder DIR --model DIR``.

It is Flask with threads. Each request runs ``SentenceTransformer.encode`` for one query, faiss's
``IndexFlatIP`` over one vector per movie, and one SQL query for each hit, as the original did. Only
its log is off, which favours it. It runs in a separate environment, so it imports nothing of the
project.
"""

from __future__ import annotations

import argparse
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import faiss
from flask import Flask, jsonify, request  # type: ignore[import-not-found, unused-ignore]
from sentence_transformers import SentenceTransformer

K = 10


def create_app(folder: Path, model: str) -> Any:
    """The application.

    Args:
        folder: Contains ``movies.faiss``, ``embedding_idx_to_movie_id.json``, ``movies.sqlite``.
        model: A folder with a sentence-transformers model.
    """
    app = Flask(__name__)
    encoder = SentenceTransformer(model, device="cpu")
    index: Any = faiss.read_index(str(folder / "movies.faiss"))
    movie_ids = json.loads((folder / "embedding_idx_to_movie_id.json").read_text())

    def search() -> Any:
        body = request.get_json()
        vector = encoder.encode([body["query"]], normalize_embeddings=True)
        scores, rows = index.search(vector, int(body.get("k", K)))
        hits = []
        with sqlite3.connect(folder / "movies.sqlite") as database:
            for score, row in zip(scores[0].tolist(), rows[0].tolist(), strict=True):
                movie_id, title, description = database.execute(
                    "SELECT movie_id, title, description FROM movies WHERE movie_id = ?",
                    (movie_ids[str(row)],),
                ).fetchone()
                hits.append(
                    {
                        "movie_id": movie_id,
                        "title": title,
                        "description": description,
                        "score": score,
                    }
                )
        database.close()
        return jsonify(hits=hits)

    app.add_url_rule("/search", view_func=search, methods=["POST"])
    return app


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    create_app(given.folder, given.model).run("127.0.0.1", given.port, threaded=True)


if __name__ == "__main__":
    main()
