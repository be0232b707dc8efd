"""The encoding loop prepares one batch while another is encoded, and loses none of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, select

from services.embedder import encoding
from services.embedder.database.engine import reading
from services.embedder.database.work_list import REVIEW_VECTORS, WorkList
from services.embedder.encoding import EncodingLoop
from shared.encoder import Vectors
from tests.support.embedder.arrivals import arrive, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.waiting import wait_until

BATCH = 4
HOLDER = "embedder-1"


class Torn(RuntimeError):
    """Raised to end an embedder in these tests."""


class TakingTurns(HashEncoder):
    """Encodes one batch at a time, and only after the next batch has been prepared.

    Args:
        batches: Number of batches in all.
        dies: Whether to raise instead of encoding.
    """

    def __init__(self, batches: int, *, dies: bool = False) -> None:
        super().__init__()
        self.ready = 0
        self.done = 0
        self._batches = batches
        self._dies = dies
        self._turn = threading.Lock()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.ready += 1
        return super().count_tokens(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        with self._turn:
            wait_until(lambda: self.ready >= min(self.done + 2, self._batches))
            if self._dies:
                raise Torn
            self.done += 1
            return super().encode_passages(texts)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH_REVIEWS", BATCH)


async def encode(engine: Engine, encoder: HashEncoder, *, until_kept: int) -> None:
    """Run the loop until the vectors of so many reviews are stored, and stop it."""
    stop = asyncio.Event()

    def on_encoded() -> None:
        if len(kept(engine)) >= until_kept:
            stop.set()

    work_list = WorkList(engine, "encoder")
    await EncodingLoop(work_list, encoder, on_encoded=on_encoded).run(stop, holder=HOLDER)


def kept(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.execute(select(REVIEW_VECTORS.c.review_id)).scalars())


def texts(count: int) -> list[str]:
    return sorted(f"Text {n}." for n in range(count))


async def waiting(engine: Engine, count: int) -> None:
    await arrive(engine, *(review(f"r{n:02}", text=f"Text {n}.") for n in range(count)))


async def test_the_next_batch_is_made_ready_while_one_is_encoded(engine: Engine) -> None:
    await waiting(engine, 5 * BATCH + 1)
    encoder = TakingTurns(6)
    await encode(engine, encoder, until_kept=5 * BATCH + 1)
    assert sorted(encoder.encoded) == texts(5 * BATCH + 1)
    assert WorkList(engine, "encoder").backlog_size() == 0


async def test_what_is_in_hand_is_kept_when_it_is_stopped_and_no_more_is_begun(
    engine: Engine,
) -> None:
    await waiting(engine, 9 * BATCH)
    encoder = TakingTurns(2)
    await encode(engine, encoder, until_kept=1)
    begun = encoder.ready * BATCH
    assert BATCH <= begun <= 3 * BATCH
    assert len(kept(engine)) == len(encoder.encoded) == begun
    assert WorkList(engine, "encoder").backlog_size() == 9 * BATCH - begun


async def test_what_was_in_hand_when_it_died_is_found_at_its_next_start(engine: Engine) -> None:
    await waiting(engine, 2 * BATCH)
    with pytest.raises(ExceptionGroup) as ended:
        await encode(engine, TakingTurns(2, dies=True), until_kept=1)
    assert ended.group_contains(Torn)
    assert WorkList(engine, "encoder").claim(1, "another") == []
    encoder = TakingTurns(2)
    await encode(engine, encoder, until_kept=2 * BATCH)
    assert sorted(encoder.encoded) == texts(2 * BATCH)
