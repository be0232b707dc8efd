"""Build txtai's index: ``python txtai_index.py DOCUMENTS MODEL INDEX``, in a separate environment.

The index is hybrid (vectors and BM25) over reviews and stores their texts; all other options are
txtai's defaults.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path


def documents(path: Path) -> Iterator[tuple[str, str, None]]:
    """The documents of a JSON Lines file in the form that txtai takes."""
    with path.open() as stream:
        for line in stream:
            document = json.loads(line)
            yield document["id"], document["text"], None


def main() -> None:
    """Build and save the index."""
    from txtai import Embeddings  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    source, model, target = sys.argv[1:]
    embeddings = Embeddings(path=model, content=True, hybrid=True)
    embeddings.index(documents(Path(source)))
    embeddings.save(target)


if __name__ == "__main__":
    main()
