"""Builds txtai's index: ``python txtai_index.py DOCUMENTS MODEL INDEX``, in its own environment.

Hybrid (vectors and BM25) over reviews, with their texts kept: txtai's own defaults otherwise.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path


def documents(path: Path) -> Iterator[tuple[str, str, None]]:
    """Id and text of each document of a file of JSON lines, as txtai takes them."""
    with path.open() as stream:
        for line in stream:
            document = json.loads(line)
            yield document["id"], document["text"], None


def main() -> None:
    """Build and save."""
    from txtai import Embeddings  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    source, model, target = sys.argv[1:]
    embeddings = Embeddings(path=model, content=True, hybrid=True)
    embeddings.index(documents(Path(source)))
    embeddings.save(target)


if __name__ == "__main__":
    main()
