"""One encoder and several threads: only inference is serialised."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from shared.encoder import GraphEncoder, Vectors
from shared.encoder.graph import Graph
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.encoder


@pytest.fixture(scope="module")
def folder(encoder_store: Path) -> Path:
    [artefact] = (encoder_store / "encoders").iterdir()
    return artefact


def test_tokens_are_counted_while_another_thread_infers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = GraphEncoder(folder)
    expected = encoder.encode_passages(["a quiet film"])
    begun, free = Event(), Event()
    infer = Graph.infer

    def waits(
        self: Graph, ids: Sequence[Sequence[int]], *layout: object, **options: object
    ) -> Vectors:
        begun.set()
        assert free.wait(2 * PATIENCE_S)
        return infer(self, ids, *layout, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Graph, "infer", waits)
    with ThreadPoolExecutor() as threads:
        encoded = threads.submit(encoder.encode_passages, ["a quiet film"])
        try:
            assert begun.wait(PATIENCE_S)
            counted = threads.submit(encoder.count_tokens, ["a quiet film", ""])
            assert counted.result(PATIENCE_S) == [3, 0]
            assert not encoded.done()
        finally:
            free.set()
        assert np.array_equal(encoded.result(PATIENCE_S), expected)


def test_several_threads_get_what_one_would(folder: Path) -> None:
    encoder = GraphEncoder(folder)
    batches = [[f"film {n} of {k}, " * (k + 1) for k in range(12)] for n in range(8)]

    def encode(texts: Sequence[str]) -> tuple[list[int], Vectors]:
        return encoder.count_tokens(texts), encoder.encode_passages(texts)

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(encode, batches))
    for texts, (counts, vectors) in zip(batches, results, strict=True):
        again = encode(texts)
        assert counts == again[0]
        assert np.array_equal(vectors, again[1])
