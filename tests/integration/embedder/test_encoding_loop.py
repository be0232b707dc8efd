"""The encoding loop prepares one batch while another is encoded, and loses none of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, select

from services.embedder import encoding
from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import reading
from services.embedder.database.work_list import MAX_ATTEMPTS, REVIEW_VECTORS, WorkList
from services.embedder.encoding import EncodingLoop, EncodingPatience
from services.embedder.unencodable import Unencodable
from shared.delivery.dead_letters import get_letter, list_letters, replay
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import Entry
from shared.encoder import Vectors
from tests.support.embedder.arrivals import arrive, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.waiting import wait_until

BATCH = 4
HOLDER = "embedder-1"


class Torn(BaseException):
    """Raised to end an embedder in these tests, as an error of the encoder does not."""


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


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "POLL_S", 0.05)


async def encode(engine: Engine, encoder: HashEncoder, redis_url: str, *, until_kept: int) -> None:
    """Run the loop until the vectors of so many reviews are stored, and stop it."""
    stop = asyncio.Event()

    def on_encoded() -> None:
        if len(kept(engine)) >= until_kept:
            stop.set()

    work_list = WorkList(engine, "encoder")
    redis = connect(redis_url)
    try:
        await EncodingLoop(
            work_list,
            encoder,
            on_encoded=on_encoded,
            take_over=lambda: False,
            unencodable=Unencodable(engine, redis),
            patience=EncodingPatience(settled_after_s=0.0),
        ).run(stop, holder=HOLDER)
    finally:
        await redis.aclose()


def kept(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.execute(select(REVIEW_VECTORS.c.review_id)).scalars())


def texts(count: int) -> list[str]:
    return sorted(f"Text {n}." for n in range(count))


async def waiting(engine: Engine, count: int) -> None:
    await arrive(engine, *(review(f"r{n:02}", text=f"Text {n}.") for n in range(count)))


async def test_the_next_batch_is_made_ready_while_one_is_encoded(
    engine: Engine, redis_url: str
) -> None:
    await waiting(engine, 5 * BATCH + 1)
    encoder = TakingTurns(6)
    await encode(engine, encoder, redis_url, until_kept=5 * BATCH + 1)
    assert sorted(encoder.encoded) == texts(5 * BATCH + 1)
    assert WorkList(engine, "encoder").backlog_size() == 0


async def test_what_is_in_hand_is_kept_when_it_is_stopped_and_no_more_is_begun(
    engine: Engine, redis_url: str
) -> None:
    await waiting(engine, 9 * BATCH)
    encoder = TakingTurns(2)
    await encode(engine, encoder, redis_url, until_kept=1)
    begun = encoder.ready * BATCH
    assert BATCH <= begun <= 3 * BATCH
    assert len(kept(engine)) == len(encoder.encoded) == begun
    assert WorkList(engine, "encoder").backlog_size() == 9 * BATCH - begun


async def test_what_was_in_hand_when_it_died_is_found_at_its_next_start(
    engine: Engine, redis_url: str
) -> None:
    await waiting(engine, 2 * BATCH)
    with pytest.raises(BaseExceptionGroup) as ended:
        await encode(engine, TakingTurns(2, dies=True), redis_url, until_kept=1)
    assert ended.group_contains(Torn)
    assert WorkList(engine, "encoder").claim(1, "another") == []
    encoder = HashEncoder()  # what may have ended the process is tried by one task at a time
    await encode(engine, encoder, redis_url, until_kept=2 * BATCH)
    assert sorted(encoder.encoded) == texts(2 * BATCH)


class Allergic(HashEncoder):
    """Raises for some texts, or for all.

    Args:
        to: What the texts have that it cannot encode; empty for none, as all begin so.
    """

    def __init__(self, to: str) -> None:
        super().__init__()
        self.to: str | None = to
        self.calls = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self.to is not None and any(self.to in text for text in texts):
            raise RuntimeError("allergic")
        return super().encode_passages(texts)


@pytest.mark.usefixtures("_quick")
async def test_a_review_that_raises_is_set_aside_and_the_others_are_kept(
    engine: Engine, redis: Client, redis_url: str
) -> None:
    await waiting(engine, 3 * BATCH)
    await arrive(engine, review("poison", text="Poison.", source="other"))
    encoder = Allergic("Poison")
    await encode(engine, encoder, redis_url, until_kept=3 * BATCH + 1)
    assert set(encoder.encoded) >= set(texts(3 * BATCH))
    with reading(engine) as connection:
        left_out = connection.execute(
            select(REVIEW_VECTORS.c.review_id).where(REVIEW_VECTORS.c.passages == 0)
        ).scalars()
        assert list(left_out) == ["poison"]
    assert WorkList(engine, "encoder").backlog_size() == 0
    [letter] = await list_letters(redis)
    assert (letter.kind, letter.item_id, letter.replayable) == ("review", "poison", True)
    assert letter.reason == f"encoding failed {MAX_ATTEMPTS} times: RuntimeError('allergic')"
    assert letter.deliveries == MAX_ATTEMPTS


@pytest.mark.usefixtures("_quick")
async def test_a_review_that_was_set_aside_is_tried_again_when_its_letter_is_replayed(
    engine: Engine, redis: Client, redis_url: str
) -> None:
    await arrive(engine, review("poison", text="Poison."))
    encoder = Allergic("Poison")
    await encode(engine, encoder, redis_url, until_kept=1)
    [letter] = await list_letters(redis)
    detail = await get_letter(redis, letter.id)
    assert detail is not None
    assert "Poison." in detail.fields["body"]
    assert (await replay(redis, [letter.id])).replayed == 1
    [(entry_id, fields)] = await redis.xrange(REVIEWS_STREAM)
    told: list[bool] = []
    await ReviewConsumer(engine, told.append).handle([Entry(entry_id, fields)])
    assert told == [True]
    assert kept(engine) == []
    encoder.to = None
    await encode(engine, encoder, redis_url, until_kept=1)
    assert encoder.encoded[-1:] == ["Poison."]
    with reading(engine) as connection:
        [passages] = connection.execute(select(REVIEW_VECTORS.c.passages)).scalars()
    assert passages == 1


@pytest.mark.usefixtures("_quick")
async def test_no_review_is_blamed_for_an_encoder_that_encodes_nothing(
    engine: Engine, redis: Client, redis_url: str
) -> None:
    await waiting(engine, 2)
    encoder = Allergic("")
    running = asyncio.create_task(encode(engine, encoder, redis_url, until_kept=2))
    await asyncio.to_thread(wait_until, lambda: encoder.calls >= 8 * MAX_ATTEMPTS)
    assert kept(engine) == []
    encoder.to = None
    await running
    assert kept(engine) == ["r00", "r01"]
    assert await list_letters(redis) == []
