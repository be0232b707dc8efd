"""What the work thread does: encode the texts of a batch of jobs together, then finish each job.

Everything that takes long is done here, by one thread and in turns: other threads would compete for
the interpreter with the event loop and with each other, and every client would wait for them.

Recent queries are not encoded again (``services.query.serving.query_vectors``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from services.query.serving.query_vectors import QueryVectors
from services.query.serving.requester import Requester
from shared.encoder import Encoder, Vectors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobResult(Generic[T]):
    """The result of a job.

    Attributes:
        value: The value that ``finish`` returned.
        encode_ms: Time to encode the texts of the whole batch; 0 for a job without texts.
        finish_ms: Time of ``finish``.
    """

    value: T
    encode_ms: float
    finish_ms: float


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A computation for the work thread.

    Attributes:
        texts: Texts to encode; may be empty.
        finish: Called on the work thread with the unit vectors of the texts, float32, shape
            ``(len(texts), dim)``.
        prepare: Called on the work thread before ``finish``, for the texts to encode, where finding
            them takes long.
    """

    texts: Sequence[str]
    finish: Callable[[Vectors], T]
    prepare: Callable[[], Sequence[str]] | None = None


@dataclass(eq=False, slots=True)
class QueuedJob:
    """A job from its submission to its result.

    Attributes:
        encoder: The encoder of its texts; None for a job without texts.
        job: The job.
        result: Its result, for the caller.
        requester: Whose request it belongs to.
        is_alone: Whether it was submitted alone, and not together with others.
        waiting_since: When it was submitted, in seconds of the queue's clock.
        is_waiting: Whether it is still in the queue.
    """

    encoder: Encoder | None
    job: Job[Any]
    result: asyncio.Future[JobResult[Any]]
    requester: Requester
    is_alone: bool
    waiting_since: float
    is_waiting: bool = True


Outcome = JobResult[Any] | Exception

_NO_VECTORS: Vectors = np.empty((0, 0), np.float32)


def compute(batch: Sequence[QueuedJob], cache: QueryVectors) -> list[Outcome]:
    """On the work thread: encode all texts together, then finish the jobs one by one."""
    started = time.perf_counter()
    encoded: dict[QueuedJob, Vectors | Exception] = {}
    texts: dict[QueuedJob, Sequence[str]] = {}
    for queued in batch:
        try:
            prepare = queued.job.prepare
            texts[queued] = queued.job.texts if prepare is None else prepare()
        except Exception as error:  # noqa: BLE001 - it is raised in the job's caller
            encoded[queued] = error
    encoded |= _encode({queued: each for queued, each in texts.items() if each}, cache)
    encode_ms = (time.perf_counter() - started) * 1000
    outcomes: list[Outcome] = []
    for queued in batch:
        vectors = encoded.get(queued, _NO_VECTORS)
        if isinstance(vectors, Exception):
            outcomes.append(vectors)
            continue
        began = time.perf_counter()
        try:
            value = queued.job.finish(vectors)
        except Exception as error:  # noqa: BLE001 - it is raised in the job's caller
            outcomes.append(error)
            continue
        finish_ms = (time.perf_counter() - began) * 1000
        job_encode_ms = encode_ms if queued.encoder is not None else 0.0
        outcomes.append(JobResult(value, job_encode_ms, finish_ms))
    return outcomes


def _encode(
    texts: dict[QueuedJob, Sequence[str]], cache: QueryVectors
) -> dict[QueuedJob, Vectors | Exception]:
    """Encode the texts of jobs of one encoder; the vectors, or the error, of each job."""
    encoder = next((queued.encoder for queued in texts), None)
    if encoder is None:
        return {}
    try:
        vectors = cache.encode(encoder, [text for of_job in texts.values() for text in of_job])
        ends = np.cumsum([len(of_job) for of_job in texts.values()])
        return dict(zip(texts, np.split(vectors, ends[:-1]), strict=True))
    except Exception as error:  # noqa: BLE001 - each job is encoded separately below
        if len(texts) == 1:
            return dict.fromkeys(texts, error)
    one_by_one: dict[QueuedJob, Vectors | Exception] = {}
    for queued, of_job in texts.items():
        one_by_one |= _encode({queued: of_job}, cache)
    return one_by_one
