"""Query sets with judgements on disk, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def write_query_set(
    folder: Path,
    queries: Mapping[str, str | tuple[str, str]],
    judgements: Mapping[str, Mapping[str, int]],
) -> Path:
    """Write a folder in BEIR's layout; a query is a text, or a text and the text to avoid."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "queries.jsonl").open("w") as file:
        for query_id, query in queries.items():
            text, avoid = query if isinstance(query, tuple) else (query, None)
            row = {"_id": query_id, "text": text} | ({"avoid": avoid} if avoid else {})
            file.write(json.dumps(row) + "\n")
    with (folder / "qrels.tsv").open("w") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query_id, judged in judgements.items():
            for movie_id, score in judged.items():
                file.write(f"{query_id}\t{movie_id}\t{score}\n")
    return folder
