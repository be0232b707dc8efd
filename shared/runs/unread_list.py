"""Examples of what a run could not read, kept in Redis: ``unread:<run_id>``, a sorted set.

The record of the run has the counts; the first examples say where and why, so that an operator
can mend the file or the site.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.delivery import keys
from shared.delivery.redis_client import Client

MAX_EXAMPLES: Final = 100
"""Examples that are kept of each run."""
_KEPT_S: Final = 30 * 86400
_MOST_CHARS: Final = 500


class UnreadExample(BaseModel):
    """Something that a run could not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Annotated[
        Literal["value", "row", "page"],
        Field(description="A field that was left out, a row, or a page or a part of one."),
    ]
    where: Annotated[str, Field(description="The file and line, or the page, and the field.")]
    why: Annotated[str, Field(description="What was expected there.")]
    excerpt: Annotated[str, Field(description="The beginning of what is there instead.")] = ""


async def add_examples(redis: Client, run_id: str, examples: Iterable[UnreadExample]) -> None:
    """Keep examples, up to ``MAX_EXAMPLES`` of a run; one that is known is not kept twice."""
    key = keys.unread_key(run_id)
    pipeline = redis.pipeline(transaction=True)
    for example in examples:
        short = example.model_copy(
            update={
                "where": example.where[:_MOST_CHARS],
                "why": example.why[:_MOST_CHARS],
                "excerpt": example.excerpt[:_MOST_CHARS],
            }
        )
        pipeline.zadd(key, {short.model_dump_json(): time.time()}, nx=True)
    pipeline.zremrangebyrank(key, MAX_EXAMPLES, -1)
    pipeline.expire(key, _KEPT_S)
    await pipeline.execute()


async def list_examples(redis: Client, run_id: str) -> list[UnreadExample]:
    """The examples of a run, oldest first; empty when it read everything."""
    found = []
    for line in await redis.zrange(keys.unread_key(run_id), 0, MAX_EXAMPLES - 1):
        try:
            found.append(UnreadExample.model_validate_json(line))
        except ValidationError:
            continue  # written by a newer version
    return found
