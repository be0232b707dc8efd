"""The response of ``GET /map`` for a snapshot.

It is built once, when the snapshot is opened, and kept compressed, because it names every movie
that has reviews; the others have no place on the map.
"""

from __future__ import annotations

import gzip

import numpy as np
import orjson

from shared.snapshot.files.atlas import DECIMALS
from shared.snapshot.reader import Snapshot

LEVEL = 6


def zipped_map(snapshot: Snapshot) -> bytes | None:
    """Return the response body, gzipped JSON; None if the snapshot has no map."""
    atlas = snapshot.atlas
    if atlas is None:
        return None
    rows = atlas.placed.tolist()
    all_ids, all_facts = snapshot.catalogue.movie_ids(), snapshot.catalogue.all_facts()
    movie_ids, facts = [all_ids[row] for row in rows], [all_facts[row] for row in rows]
    x, y = np.round(atlas.positions[rows].astype(np.float64), DECIMALS).T.tolist()
    body = {
        "snapshot_id": snapshot.snapshot_id,
        "movie_ids": movie_ids,
        "titles": [fact.title or movie_id for fact, movie_id in zip(facts, movie_ids, strict=True)],
        "years": [fact.year for fact in facts],
        "x": x,
        "y": y,
        "cluster": atlas.cluster[rows].tolist(),
        "clusters": [cluster.model_dump() for cluster in atlas.clusters],
    }
    return gzip.compress(orjson.dumps(body), LEVEL, mtime=0)
