"""Admin routes of dead letters, the messages that could not be stored."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path, Query, Response

from services.query.api.admin.admin_route import (
    REDIS_PROBLEMS,
    admin_router,
    redis_of,
    redis_reply,
)
from services.query.api.admin.admin_schemas import (
    DeadLetterPage,
    DeadLettersParameters,
    ReplayRequest,
)
from services.query.components import Service
from services.query.http.problems import BODY_PROBLEMS, Problem, Problems, documented
from shared.delivery import dead_letters
from shared.delivery.dead_letters import ID_PATTERN, DeadLetter, DeadLetterDetail, Replayed
from shared.telemetry import get_logger

router = admin_router()

LetterIdPath = Annotated[
    str, Path(description="The dead letter's id.", examples=["1748779231654-0"])
]


@router.get(
    "/dead-letters",
    operation_id="listDeadLetters",
    summary="List dead letters",
    responses=documented(*REDIS_PROBLEMS, Problems.INVALID_REQUEST),
)
async def list_dead_letters(
    service: Service, page: Annotated[DeadLettersParameters, Query()]
) -> DeadLetterPage:
    """List the dead letters with their reasons, newest first, without their payloads."""
    redis = redis_of(service)
    total = await redis_reply(dead_letters.count_letters(redis))
    letters: list[DeadLetter] = []
    if page.cursor is None or set(page.cursor) - set("0-"):  # Redis refuses ids before 0-0
        letters = await redis_reply(
            dead_letters.list_letters(redis, before=page.cursor, limit=page.limit + 1)
        )
    has_more = len(letters) > page.limit
    letters = letters[: page.limit]
    return DeadLetterPage(
        dead_letters=letters, total=total, next_cursor=letters[-1].id if has_more else None
    )


@router.get(
    "/dead-letters/{letter_id}",
    operation_id="getDeadLetter",
    summary="Get a dead letter with its payload",
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_DEAD_LETTER),
)
async def get_dead_letter(service: Service, letter_id: LetterIdPath) -> DeadLetterDetail:
    """Return the message as it was sent."""
    _check_id(letter_id)
    letter = await redis_reply(dead_letters.get_letter(redis_of(service), letter_id))
    if letter is None:
        raise Problem(Problems.UNKNOWN_DEAD_LETTER)
    return letter


@router.post(
    "/dead-letters/replay",
    operation_id="replayDeadLetters",
    summary="Replay dead letters",
    responses=documented(*REDIS_PROBLEMS, *BODY_PROBLEMS),
)
async def replay_dead_letters(service: Service, replay: ReplayRequest) -> Replayed:
    """Send messages again after the cause of their failure has been fixed.

    Each message is sent once and its dead letter is deleted, so repeating the request is safe. A
    message that fails again becomes a new dead letter, which counts its replays.
    """
    redis = redis_of(service)
    total = Replayed(replayed=0, refused=[])
    if replay.ids is not None:
        total = await redis_reply(dead_letters.replay(redis, replay.ids))
    else:
        until = await redis_reply(dead_letters.newest_id(redis))
        after: str | None = None
        while until is not None:
            ids = await redis_reply(dead_letters.next_ids(redis, after=after, until=until))
            if not ids:
                break
            part = await redis_reply(dead_letters.replay(redis, ids))
            total = Replayed(
                replayed=total.replayed + part.replayed, refused=[*total.refused, *part.refused]
            )
            after = ids[-1]
    get_logger().info("dead letters replayed", count=total.replayed, refused=len(total.refused))
    return total


@router.delete(
    "/dead-letters/{letter_id}",
    operation_id="discardDeadLetter",
    summary="Discard a dead letter",
    status_code=204,
    response_class=Response,
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_DEAD_LETTER),
)
async def discard_dead_letter(service: Service, letter_id: LetterIdPath) -> Response:
    """Delete a dead letter permanently, without sending its message again."""
    _check_id(letter_id)
    if not await redis_reply(dead_letters.discard(redis_of(service), letter_id)):
        raise Problem(Problems.UNKNOWN_DEAD_LETTER)
    get_logger().info("dead letter discarded", letter=letter_id)
    return Response(status_code=204)


def _check_id(letter_id: str) -> None:
    if not re.fullmatch(ID_PATTERN, letter_id, re.ASCII):
        raise Problem(Problems.UNKNOWN_DEAD_LETTER)
