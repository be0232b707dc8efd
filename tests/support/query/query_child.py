"""``python -m tests.support.query.query_child``: the query service as a process, without the model.

It is the service's own ``main`` with an encoder that hashes words, so that it starts within a
second. ``QUERY_CHILD`` holds JSON that changes what it is: ``timeouts`` are constants of the
protocol and of the reading of bodies, by name; ``encode_s`` is how long encoding a text takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from functools import partial

from services.query import __main__ as query
from services.query import app
from services.query.http import connection, strict_route
from shared.encoder import Vectors
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always

CHANGES = "QUERY_CHILD"


class SlowEncoder(HashEncoder):
    """Takes a set time for each text, as CPU-bound work would; breaks at one that says so."""

    def __init__(self, encode_s: float) -> None:
        super().__init__()
        self._encode_s = encode_s

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if self._encode_s:
            time.sleep(self._encode_s * len(texts))
        if any("explode" in text for text in texts):
            raise RuntimeError(f"cannot encode {texts}")
        return super().encode_queries(texts)


def main() -> int:
    """Run the service with the changes asked for."""
    changes = json.loads(os.environ.get(CHANGES, "{}"))
    for name, value in changes.get("timeouts", {}).items():
        [module] = [own for own in (strict_route, connection) if hasattr(own, name)]
        setattr(module, name, value)
    encoder = SlowEncoder(changes.get("encode_s", 0.0))
    app.create_app = partial(app.create_app, encoder_factory=always(encoder))
    return query.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
