"""Reviews that are poison to the encoder: each is set aside with its reason, the others proceed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from services.embedder.database.work_list import MAX_ATTEMPTS
from services.embedder.encoding import EncodingPatience
from services.embedder.settings import EmbedderSettings
from shared.delivery import heartbeats
from shared.delivery.dead_letters import list_letters
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import Client
from shared.delivery.streams import EXIT_STUCK
from shared.runs import registry
from tests.support.counts import Counted
from tests.support.delivery.messages import movie, review, run_end
from tests.support.embedder.embedder_child import (
    HANGS,
    KILLS,
    POISON,
    RAISES,
    EmbedderProcess,
    Fate,
    embedder_process,
)
from tests.support.embedder.running import current, ended, new_run, send
from tests.support.waiting import async_wait_until, wait_until

pytestmark = pytest.mark.alone

GOOD = 40


def _settings(url: str, folder: Path) -> EmbedderSettings:
    return EmbedderSettings(redis_url=url, data_dir=folder, publish_idle_s=0.1)


@pytest.mark.timeout(300)
async def test_reviews_that_raise_hang_or_kill_are_set_aside_and_the_others_are_searchable(
    redis: Client, redis_url: str, tmp_path: Path, counted: Counted
) -> None:
    settings = _settings(redis_url, tmp_path)
    run = await new_run(redis)
    texts = [f"What viewer {n} says." for n in range(GOOD)]
    for poison in (RAISES, HANGS, KILLS):
        texts.insert(len(texts) // 2, POISON.format(poison))
    items: list[MovieMessage | ReviewMessage] = [
        movie(1, run_id=run.run_id),
        *(review(1, n, text, run_id=run.run_id) for n, text in enumerate(texts)),
    ]
    poisonous = {
        item.item_id: poison
        for item, text in zip(items[1:], texts, strict=True)
        for poison in (RAISES, HANGS, KILLS)
        if text == POISON.format(poison)
    }
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    # Longer than any other batch takes on a busy machine.
    fate = Fate(patience=EncodingPatience(stuck_after_s=2.0, settled_after_s=0.5))
    child = EmbedderProcess(settings)
    exits: Counter[int] = Counter()
    child.start(fate)

    async def over() -> bool:
        if (code := child.exit_code) is not None:
            exits[code] += 1
            child.kill()
            child.start(fate)  # as its supervisor does
        record = await registry.get_run(redis, run.run_id)
        return record is not None and registry.ended(record)

    try:
        await async_wait_until(over, timeout_s=240, what="the run has ended")
    finally:
        child.kill()
    end = await ended(redis, run)
    assert (end.state, end.stored, end.dead_lettered) == ("searchable", GOOD + 3, 0)
    letters = {letter.item_id: letter for letter in await list_letters(redis)}
    ended_it = f"the process ended while encoding it, {MAX_ATTEMPTS} times"
    assert {poisonous[name]: letter.reason for name, letter in letters.items()} == {
        RAISES: f"encoding failed {MAX_ATTEMPTS} times: RuntimeError('poison')",
        HANGS: ended_it,
        KILLS: ended_it,
    }
    assert all(letter.replayable for letter in letters.values())
    # Those that were set aside stay stored, and are left out of search.
    assert current(settings).catalogue.counts()[:2] == (1, GOOD)
    assert set(exits) == {137, EXIT_STUCK}
    assert exits.total() <= 2 * MAX_ATTEMPTS + 2
    counted("processes ended by poison", exits.total())
    counted("poisoned reviews", 3)


@pytest.mark.timeout(120)
async def test_heartbeats_and_sigterm_are_heard_while_a_review_hangs(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    run = await new_run(redis)
    hanging: list[MovieMessage | ReviewMessage] = [
        movie(1, run_id=run.run_id), review(1, 1, POISON.format(HANGS), run_id=run.run_id)
    ]  # fmt: skip
    await send(redis, hanging)
    with embedder_process(_settings(redis_url, tmp_path)) as child:
        await async_wait_until(lambda: heartbeats.is_alive_here(redis, "embedder"))

        async def taken() -> bool:
            record = await registry.get_run(redis, run.run_id)
            return record is not None and record.stored == 1

        await async_wait_until(taken, what="the review is stored")
        for _ in range(2):  # again and again
            await redis.flushall()
            await async_wait_until(lambda: heartbeats.is_alive_here(redis, "embedder"))
        assert child.process is not None
        assert child.process.pid is not None
        os.kill(child.process.pid, signal.SIGTERM)
        await asyncio.to_thread(wait_until, lambda: child.exit_code is not None, timeout_s=30)
        assert child.exit_code == 0
