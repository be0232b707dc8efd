"""``python -m tests.support.query.query_child``: the query service as a process, without the model.

It is the service's ``main`` with an encoder that hashes words, so that it starts within a second.
``QUERY_CHILD`` holds JSON with changes: ``timeouts`` are new values for constants of the protocol
and of reading bodies, by name; ``encode_s`` is the time to encode a text; ``record`` is a file to
which every batch of texts is written as a JSON line. While there is a file of the same name and
``.closed``, the encoder waits.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from services.query import __main__ as query
from services.query import app
from services.query.http import connection, connections, json_body
from shared.encoder import Vectors
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always
from tests.support.waiting import wait_until

CHANGES = "QUERY_CHILD"


class SlowEncoder(HashEncoder):
    """Takes a fixed time for each text, as CPU-bound work does; fails for texts with "explode"."""

    def __init__(self, encode_s: float, record: Path | None) -> None:
        super().__init__()
        self._encode_s = encode_s
        self._record = record

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if self._record is not None:
            closed = self._record.with_suffix(".closed")
            with self._record.open("a") as record:
                record.write(json.dumps(list(texts)) + "\n")
            wait_until(lambda: not closed.exists(), what="the encoder may go on")
        if self._encode_s:
            time.sleep(self._encode_s * len(texts))
        if any("explode" in text for text in texts):
            raise RuntimeError(f"cannot encode {texts}")
        return super().encode_queries(texts)


def main() -> int:
    """Run the service with the changes in ``QUERY_CHILD``."""
    changes = json.loads(os.environ.get(CHANGES, "{}"))
    for name, value in changes.get("timeouts", {}).items():
        [module] = [each for each in (json_body, connection, connections) if hasattr(each, name)]
        setattr(module, name, value)
    record = changes.get("record")
    encoder = SlowEncoder(changes.get("encode_s", 0.0), Path(record) if record else None)
    app.create_app = partial(app.create_app, encoder_factory=always(encoder))
    return query.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
