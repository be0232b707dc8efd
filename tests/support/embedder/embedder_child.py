"""Embedders in separate processes, which die at a given step, or are killed.

They are forked from a server that has imported everything (``multiprocessing``'s forkserver), so
that starting one takes a moment. Everything in them is real but the encoder, whose vectors come
from hashes of words, and for which some texts are poison.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

from services.embedder import service
from services.embedder.__main__ import _run
from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine
from services.embedder.encoding import EncodingPatience
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from shared.delivery.pending import PendingList
from shared.delivery.streams import StreamConsumer
from shared.encoder import Vectors
from shared.telemetry import configure_logging
from tests.support.embedder.encoders import HashEncoder

# In a review's id: the effect of storing it; in its text, as ``POISON``: that of encoding it.
KILLS, HANGS, RAISES = "kills", "hangs", "raises"
POISON = "Whoever encodes this: it {}."
BEFORE_COMMIT, AFTER_COMMIT, BETWEEN_ACKS = "before commit", "after commit", "between acks"
STEPS = (BEFORE_COMMIT, AFTER_COMMIT, BETWEEN_ACKS)

_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Fate:
    """Where the process ends, and the settings of its consumer."""

    step: str | None = None
    nth: int = 0
    stuck_after_s: float = 60.0
    min_idle_ms: int = 60_000
    batch: int = 8
    patience: EncodingPatience | None = None


class PoisonedEncoder(HashEncoder):
    """An encoder to which ``POISON`` happens."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if POISON.format(KILLS) in texts:
            os._exit(137)
        if POISON.format(HANGS) in texts:
            time.sleep(3600)
        if POISON.format(RAISES) in texts:
            raise RuntimeError("poison")
        return super().encode_passages(texts)


def _serve(settings: dict[str, Any], fate: Fate) -> None:
    opened = EmbedderSettings.model_validate(settings)
    configure_logging("embedder", opened)
    _await_death(fate)
    _swallow_poison()
    setattr(service, "StreamConsumer", partial(  # noqa: B010 - with the given settings
        StreamConsumer, batch=fate.batch, block_ms=50, stuck_after_s=fate.stuck_after_s,
        min_idle_ms=fate.min_idle_ms,
    ))  # fmt: skip
    engine = open_engine(opened.database)
    embedder = Embedder(opened, engine, PoisonedEncoder(), precision="f32", patience=fate.patience)
    asyncio.run(_run(embedder))


def _await_death(fate: Fate) -> None:
    """Count how often the step is reached, and end there as by ``kill -9``."""
    left = fate.nth
    store, acknowledge = ReviewConsumer._store, PendingList.acknowledge

    def reached(step: str) -> None:
        nonlocal left
        if step == fate.step:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def stored(self: ReviewConsumer, parsed: Any) -> bool:
        reached(BEFORE_COMMIT)
        changed = store(self, parsed)
        reached(AFTER_COMMIT)
        return changed

    async def acknowledged(self: PendingList, entries: Any) -> None:
        await acknowledge(self, entries)
        reached(BETWEEN_ACKS)

    setattr(ReviewConsumer, "_store", stored)  # noqa: B010 - of this process only
    setattr(PendingList, "acknowledge", acknowledged)  # noqa: B010


def _swallow_poison() -> None:
    store = ReviewConsumer._store

    def stored(self: ReviewConsumer, parsed: Any) -> bool:
        ids = [entry.fields.get("id", "") for entry, _ in parsed]
        if any(KILLS in name for name in ids):
            os._exit(137)
        if any(HANGS in name for name in ids):
            time.sleep(3600)
        if any(RAISES in name for name in ids):
            raise RuntimeError("poison")
        return store(self, parsed)

    setattr(ReviewConsumer, "_store", stored)  # noqa: B010 - of this process only


@dataclass
class EmbedderProcess:
    """One embedder process."""

    settings: EmbedderSettings
    process: BaseProcess | None = field(default=None, init=False)

    def start(self, fate: Fate | None = None) -> None:
        self.process = _forked.Process(
            target=_serve, args=(self.settings.model_dump(exclude_none=True), fate or Fate())
        )
        self.process.start()

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        assert self.process is not None
        return self.process.exitcode

    def kill(self) -> None:
        """Kill the process, if it is still alive."""
        if self.process is not None:
            self.process.kill()
            self.process.join(60)
            self.process.close()
            self.process = None


@contextmanager
def embedder_process(
    settings: EmbedderSettings, fate: Fate | None = None
) -> Iterator[EmbedderProcess]:
    """Start an embedder, and kill it at the end."""
    process = EmbedderProcess(settings)
    process.start(fate)
    try:
        yield process
    finally:
        process.kill()
