"""``python -m tests.support.query.query_child``: the query service as a process, without the model.

It is the service's ``main`` with an encoder that hashes words, so that it starts within a second.
``QUERY_CHILD`` holds JSON with changes: ``timeouts`` are new values for constants of the protocol
and of reading bodies, by name; ``encode_s`` is the time to encode a text.
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
from services.query.http import connection, json_body
from shared.encoder import Vectors
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always

CHANGES = "QUERY_CHILD"


class SlowEncoder(HashEncoder):
    """Takes a fixed time for each text, as CPU-bound work does; fails for texts with "explode"."""

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
    """Run the service with the changes in ``QUERY_CHILD``."""
    changes = json.loads(os.environ.get(CHANGES, "{}"))
    for name, value in changes.get("timeouts", {}).items():
        [module] = [each for each in (json_body, connection) if hasattr(each, name)]
        setattr(module, name, value)
    encoder = SlowEncoder(changes.get("encode_s", 0.0))
    app.create_app = partial(app.create_app, encoder_factory=always(encoder))
    return query.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
