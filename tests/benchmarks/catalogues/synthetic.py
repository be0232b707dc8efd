"""A catalogue of any size through the real embedder: real texts, random vectors.

Encoding a hundred thousand movies takes hours and does not change the cost of publishing and
searching: a cosine takes the same time for any vectors. So the encoder returns random unit vectors;
the texts are real, and repeated when there are too few. Everything else is the real embedder:
messages on a Redis stream go in, snapshots come out.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from services.embedder.database.engine import open_engine
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from services.local import redis_server as embedded_redis
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import connect
from shared.delivery.streams import append
from shared.encoder import EncoderSpec, Vectors
from shared.record import MovieRecord, ReviewRecord
from tests.support.delivery.redis_server import wait_until_ready

REVIEWS_PER_MOVIE = 2
WORD_PIECES_A_WORD = 1.3
MOVIES_A_BATCH = 200
MOST_WAITING = 4000  # entries on the stream, bounded because Redis keeps them in memory
POLL_S = 0.05
IDLE_S = 1.0
RUN, SOURCE = "bench-run", "bench"
GENRES = ("Drama", "Comedy", "Thriller", "Documentary", "Western")


class RandomEncoder:
    """An ``Encoder`` that returns random unit vectors at almost no cost."""

    precision = "f32"

    def __init__(self, spec: EncoderSpec) -> None:
        self.spec = spec
        self._random = np.random.default_rng(0)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See ``shared.encoder.Encoder``."""
        rows = self._random.standard_normal((len(texts), self.spec.dim), dtype=np.float32)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See ``shared.encoder.Encoder``."""
        return self.encode_queries(texts)

    @property
    def passage_tokens(self) -> int:
        """See ``shared.encoder.Encoder``."""
        return self.spec.passage_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``shared.encoder.Encoder``."""
        return [round(WORD_PIECES_A_WORD * len(text.split())) for text in texts]


class SyntheticCatalogue:
    """A catalogue in a separate data folder; each method runs the embedder until it is idle."""

    def __init__(
        self, folder: Path, movies: int, texts: Sequence[str], spec: EncoderSpec, *, most: int = 0
    ) -> None:
        """Choose its size.

        Args:
            folder: Its data folder.
            movies: How many movies it has.
            texts: Texts of reviews, repeated when there are too few.
            spec: The encoder's identity.
            most: Reviews of the most popular movie, whose number falls by Zipf's law from movie to
                movie; 0 for ``REVIEWS_PER_MOVIE`` each.
        """
        self.folder = folder
        self._most = most
        self._movies = movies
        self._texts = texts
        self._spec = spec
        self._random = np.random.default_rng(movies)
        self._changes = 0
        self._took_s: list[float] = []
        structlog.configure(processors=[self._read_log])

    def fill(self) -> float:
        """Send all movies and their reviews; returns the seconds of publishing."""
        return asyncio.run(self._work(self._all()))

    def change_one(self) -> float:
        """Send one changed review; returns the seconds of publishing."""
        self._changes += 1
        number = int(self._random.integers(self._movies))
        changed: list[MovieMessage | ReviewMessage]
        changed = [self._review(number, 0, changed=self._changes)]
        return asyncio.run(self._work(iter([changed])))

    def publish_all(self) -> float:
        """Publish all movies into an empty store; returns the seconds of publishing."""
        with tempfile.TemporaryDirectory(dir=self.folder) as store:
            url = Path(store).absolute().as_uri()
            return asyncio.run(self._work(iter([]), snapshot_url=url))

    async def _work(
        self,
        batches: Iterator[Sequence[MovieMessage | ReviewMessage]],
        snapshot_url: str | None = None,
    ) -> float:
        self._took_s.clear()
        with redis_server() as url:
            settings = EmbedderSettings(
                redis_url=url,
                data_dir=self.folder,
                snapshot_url=snapshot_url,
                publish_idle_s=IDLE_S,
                publish_every_s=86_400,
            )
            client = connect(url)
            async with _embedder(settings, RandomEncoder(self._spec)):
                for batch in batches:
                    await append(client, REVIEWS_STREAM, [message.to_fields() for message in batch])
                    while await client.xlen(REVIEWS_STREAM) > MOST_WAITING:  # noqa: ASYNC110
                        await asyncio.sleep(POLL_S)
                while not self._took_s:  # noqa: ASYNC110 - only the log has the event
                    await asyncio.sleep(POLL_S)
            await client.aclose()
        return sum(self._took_s)

    def _read_log(self, _: Any, __: str, event: structlog.typing.EventDict) -> str:
        """Read the seconds of publishing from the log of the embedder; pass errors on."""
        if event.get("event") == "snapshot published":
            self._took_s.append(float(event["took_s"]))
        elif event.get("level") == "error":
            return f"{event}"
        raise structlog.DropEvent

    def _all(self) -> Iterator[Sequence[MovieMessage | ReviewMessage]]:
        for first in range(0, self._movies, MOVIES_A_BATCH):
            batch: list[MovieMessage | ReviewMessage] = []
            for number in range(first, min(first + MOVIES_A_BATCH, self._movies)):
                batch.append(_movie(number))
                batch += [self._review(number, part) for part in range(self._reviews_of(number))]
            yield batch

    def _reviews_of(self, number: int) -> int:
        if not self._most:
            return REVIEWS_PER_MOVIE
        return max(REVIEWS_PER_MOVIE, self._most // (number + 1))

    def _review(self, number: int, part: int, *, changed: int = 0) -> ReviewMessage:
        text = self._texts[(number * REVIEWS_PER_MOVIE + part) % len(self._texts)]
        return ReviewMessage(
            run_id=RUN,
            source=SOURCE,
            review=ReviewRecord(
                review_id=f"bench:{number}-{part}",
                movie_id=_movie_id(number),
                text=f"{text} Seen {changed + 1} times." if changed else text,
                rating=(number + part) % 10 + 1,
            ),
        )


@asynccontextmanager
async def _embedder(settings: EmbedderSettings, encoder: RandomEncoder) -> AsyncIterator[None]:
    engine = open_engine(settings.database)
    stop = asyncio.Event()
    service = Embedder(settings, engine, encoder, precision=encoder.precision)
    task = asyncio.create_task(service.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task
        engine.dispose()


@contextmanager
def redis_server() -> Iterator[str]:
    """A temporary Redis server; yields its URL and stops it on exit."""
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        command = embedded_redis.server_command(
            embedded_redis.find_server(), data_dir=Path(folder), socket=socket
        )
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = embedded_redis.socket_url(socket)
        try:
            wait_until_ready(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _movie_id(number: int) -> str:
    return f"tt{number:07d}"


def _movie(number: int) -> MovieMessage:
    return MovieMessage(
        run_id=RUN,
        source=SOURCE,
        movie=MovieRecord(
            movie_id=_movie_id(number),
            title=f"Movie {number} of the {number % 97}th night",
            year=1930 + number % 95,
            genres=(GENRES[number % len(GENRES)],),
        ),
    )
