"""Administration: the messages that could not be stored."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path, Query, Response

from services.query.api.admin.admin_route import (
    WITH_BODY,
    WITH_REDIS,
    admin_router,
    reached,
    redis_of,
)
from services.query.api.admin.admin_schemas import (
    DeadLetterPage,
    DeadLettersParameters,
    ReplayRequest,
)
from services.query.components import Service
from services.query.http.problems import Problem, Problems, documented
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
    summary="What could not be stored",
    responses=documented(*WITH_REDIS, Problems.INVALID_REQUEST),
)
async def list_dead_letters(
    service: Service, page: Annotated[DeadLettersParameters, Query()]
) -> DeadLetterPage:
    """List the dead letters, newest first, each with its reason; without their payloads."""
    redis = redis_of(service)
    total = await reached(dead_letters.count_letters(redis))
    found: list[DeadLetter] = []
    if page.cursor is None or set(page.cursor) - set("0-"):  # nothing is before 0-0, says Redis
        found = await reached(
            dead_letters.list_letters(redis, before=page.cursor, limit=page.limit + 1)
        )
    letters = found[: page.limit]
    more = len(found) > page.limit
    return DeadLetterPage(
        dead_letters=letters, total=total, next_cursor=letters[-1].id if more else None
    )


@router.get(
    "/dead-letters/{letter_id}",
    operation_id="getDeadLetter",
    summary="One dead letter with its payload",
    responses=documented(*WITH_REDIS, Problems.UNKNOWN_DEAD_LETTER),
)
async def get_dead_letter(service: Service, letter_id: LetterIdPath) -> DeadLetterDetail:
    """Show the message as it was sent."""
    _check_id(letter_id)
    letter = await reached(dead_letters.get_letter(redis_of(service), letter_id))
    if letter is None:
        raise Problem(Problems.UNKNOWN_DEAD_LETTER)
    return letter


@router.post(
    "/dead-letters/replay",
    operation_id="replayDeadLetters",
    summary="Send dead letters again",
    responses=documented(*WITH_REDIS, *WITH_BODY),
)
async def replay_dead_letters(service: Service, wanted: ReplayRequest) -> Replayed:
    """Send messages again whose cause has been mended.

    Each is sent once, and its dead letter is gone then; asking twice does no harm. One that fails
    again comes back as a new dead letter that counts its replays.
    """
    redis = redis_of(service)
    done = Replayed(replayed=0, refused=[])
    if wanted.ids is not None:
        done = await reached(dead_letters.replay(redis, wanted.ids))
    else:
        until = await reached(dead_letters.newest_id(redis))
        after: str | None = None
        while until is not None:
            ids = await reached(dead_letters.next_ids(redis, after=after, until=until))
            if not ids:
                break
            part = await reached(dead_letters.replay(redis, ids))
            done = Replayed(
                replayed=done.replayed + part.replayed, refused=[*done.refused, *part.refused]
            )
            after = ids[-1]
    get_logger().info("dead letters replayed", count=done.replayed, refused=len(done.refused))
    return done


@router.delete(
    "/dead-letters/{letter_id}",
    operation_id="discardDeadLetter",
    summary="Discard a dead letter",
    status_code=204,
    response_class=Response,
    responses=documented(*WITH_REDIS, Problems.UNKNOWN_DEAD_LETTER),
)
async def discard_dead_letter(service: Service, letter_id: LetterIdPath) -> Response:
    """Delete a message that is of no use, for good."""
    _check_id(letter_id)
    if not await reached(dead_letters.discard(redis_of(service), letter_id)):
        raise Problem(Problems.UNKNOWN_DEAD_LETTER)
    get_logger().info("dead letter discarded", letter=letter_id)
    return Response(status_code=204)


def _check_id(letter_id: str) -> None:
    if not re.fullmatch(ID_PATTERN, letter_id, re.ASCII):
        raise Problem(Problems.UNKNOWN_DEAD_LETTER)
