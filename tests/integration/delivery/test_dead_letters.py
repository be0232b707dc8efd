"""Dead letters on a real Redis server: listed, replayed exactly once, discarded, stored at last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine, reading
from services.embedder.settings import EmbedderSettings
from services.query.api.admin.admin_schemas import DeadLetterPage
from shared.delivery import dead_letters
from shared.delivery.dead_letters import DeadLetterDetail, Replayed
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import Entry, Handler, StreamConsumer, append
from tests.support.delivery.messages import movie, review
from tests.support.delivery.redis_server import RedisServer
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.waiting import async_wait_until

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ENTRY = {"v": "1", "kind": "review", "run": "run-1", "id": "test:1-1", "body": "{}"}
LETTERS = "/admin/dead-letters"


@pytest.fixture
async def query(tmp_path: Path, redis: Client, redis_url: str) -> AsyncIterator[RunningQuery]:
    settings = query_settings(tmp_path, redis_url=redis_url, admin_token=TOKEN)
    async with running_query(settings, always(HashEncoder())) as running:
        yield running


async def dead_letter(redis: Client, **fields: str) -> str:
    letter = {**ENTRY, "entry": "1-1", "reason": "boom", "deliveries": "6", **fields}
    letter_id: str = await redis.xadd(DEAD_LETTERS_STREAM, letter)
    return letter_id


async def listed(query: RunningQuery, wanted: str = "") -> DeadLetterPage:
    response = await query.client.get(f"{LETTERS}{wanted}", headers=BEARER)
    assert response.status_code == 200, response.text
    return DeadLetterPage.model_validate_json(response.content)


async def replay(query: RunningQuery, **body: object) -> Replayed:
    response = await query.client.post(f"{LETTERS}/replay", json=body, headers=BEARER)
    assert response.status_code == 200, response.text
    return Replayed.model_validate_json(response.content)


async def sent(redis: Client) -> list[dict[str, str]]:
    return [fields for _, fields in await redis.xrange(REVIEWS_STREAM)]


async def test_dead_letters_are_listed_newest_first_page_by_page(
    query: RunningQuery, redis: Client
) -> None:
    assert await listed(query) == DeadLetterPage(dead_letters=[], total=0, next_cursor=None)
    ids = [await dead_letter(redis, id=f"test:{n}") for n in range(5)]
    everything = await listed(query)
    assert [one.id for one in everything.dead_letters] == ids[::-1]
    assert (everything.total, everything.next_cursor) == (5, None)
    seen, cursor = [], None
    while True:
        page = await listed(query, "?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        assert page.total == 5
        seen += [one.id for one in page.dead_letters]
        cursor = page.next_cursor
        if cursor is None:
            break
        await dead_letter(redis, id="test:new")  # what comes meanwhile moves no page
        await redis.xdel(DEAD_LETTERS_STREAM, (await redis.xrevrange(DEAD_LETTERS_STREAM))[0][0])
    assert seen == ids[::-1]


async def test_a_letter_says_what_it_is_and_whether_it_can_be_sent_again(
    query: RunningQuery, redis: Client
) -> None:
    await dead_letter(redis, body="é" * 100, replays="2", reason="no such column")
    await dead_letter(redis, truncated="300000")
    await redis.xadd(DEAD_LETTERS_STREAM, {"entry": "1-1", "reason": "gone"})
    await redis.xadd(
        DEAD_LETTERS_STREAM, {"id": "x" * 900, "deliveries": "many", "replays": "9" * 99}
    )
    strange, empty, cut, whole = (await listed(query)).dead_letters
    assert whole.model_dump(exclude={"id", "died_at"}) == {
        "kind": "review", "run_id": "run-1", "item_id": "test:1-1", "reason": "no such column",
        "deliveries": 6, "replays": 2, "replayable": True,
        "payload_bytes": 200 + sum(len(ENTRY[name]) for name in ("v", "kind", "run", "id")),
    }  # fmt: skip
    assert whole.id.startswith(f"{whole.died_at.timestamp() * 1000:.0f}-")
    assert (cut.payload_bytes, cut.replayable) == (300_000, False)
    assert (empty.payload_bytes, empty.replayable, empty.kind) == (0, False, "")
    assert (strange.deliveries, strange.replays, len(strange.item_id)) == (1, 0, 200)


async def test_the_payload_is_shown_for_one_letter(query: RunningQuery, redis: Client) -> None:
    letter_id = await dead_letter(redis, body="the review's text", replays="1")
    assert "the review's text" not in (await listed(query)).model_dump_json()
    response = await query.client.get(f"{LETTERS}/{letter_id}", headers=BEARER)
    letter = DeadLetterDetail.model_validate_json(response.content)
    assert letter.fields == {**ENTRY, "body": "the review's text"}
    assert letter.replays == 1


@pytest.mark.parametrize("letter_id", ["1-1", "none", "1", "-", "%2B", "1-99999999999999999999999"])
async def test_what_there_is_not_is_404(query: RunningQuery, letter_id: str) -> None:
    for method in ("GET", "DELETE"):
        response = await query.client.request(method, f"{LETTERS}/{letter_id}", headers=BEARER)
        assert response.status_code == 404
        assert response.json()["code"] == "unknown-dead-letter"


async def test_a_replayed_letter_is_on_the_stream_as_it_was(
    query: RunningQuery, redis: Client
) -> None:
    letter_id = await dead_letter(redis)
    other = await dead_letter(redis, id="test:other")
    assert await replay(query, ids=[letter_id]) == Replayed(replayed=1, refused=[])
    assert await sent(redis) == [{**ENTRY, "replays": "1"}]
    assert [one.id for one in (await listed(query)).dead_letters] == [other]


async def test_asking_again_sends_nothing_again(query: RunningQuery, redis: Client) -> None:
    letter_id = await dead_letter(redis)
    assert (await replay(query, ids=[letter_id, letter_id])).replayed == 1
    again = await replay(query, ids=[letter_id])
    assert again.replayed == 0
    assert [one.id for one in again.refused] == [letter_id]
    assert len(await sent(redis)) == 1


async def test_of_many_who_ask_at_once_one_sends(query: RunningQuery, redis: Client) -> None:
    ids = [await dead_letter(redis, id=f"test:{n}") for n in range(20)]
    done = await asyncio.gather(
        *(replay(query, ids=ids) for _ in range(4)), *(replay(query, all=True) for _ in range(4))
    )
    assert sum(one.replayed for one in done) == 20
    assert sorted(fields["id"] for fields in await sent(redis)) == sorted(
        f"test:{n}" for n in range(20)
    )
    assert (await listed(query)).total == 0


async def test_what_was_not_kept_whole_is_refused_with_its_reason(
    query: RunningQuery, redis: Client
) -> None:
    whole = await dead_letter(redis)
    cut = await dead_letter(redis, truncated=str(dead_letters.PAYLOAD_BYTES + 1))
    empty = await redis.xadd(DEAD_LETTERS_STREAM, {"entry": "1-1", "reason": "x", "replays": "3"})
    done = await replay(query, ids=[cut, empty, "1-1", whole])
    assert done.replayed == 1
    assert [(one.id, one.reason.split()[0:4]) for one in done.refused] == [
        (cut, ["it", "was", "too", "large"]),
        (empty, ["its", "payload", "was", "lost"]),
        ("1-1", ["no", "such", "dead", "letter:"]),
    ]
    assert {one.id for one in (await listed(query)).dead_letters} == {cut, empty}
    assert len(await sent(redis)) == 1


async def test_all_are_replayed_over_several_chunks_but_for_what_cannot_be(
    query: RunningQuery, redis: Client
) -> None:
    ids = [await dead_letter(redis, id=f"test:{n}") for n in range(450)]
    cut = await dead_letter(redis, truncated="300000")
    done = await replay(query, all=True)
    assert done.replayed == 450
    assert [one.id for one in done.refused] == [cut]
    assert [fields["id"] for fields in await sent(redis)] == [f"test:{n}" for n in range(len(ids))]
    assert (await replay(query, all=True)).replayed == 0


async def test_all_means_all_that_there_were_when_it_began(redis: Client) -> None:
    """What fails at once is back before the end is reached, and is not sent for ever."""
    ids = [await dead_letter(redis) for _ in range(dead_letters.CHUNK + 1)]
    until = await dead_letters.newest_id(redis)
    assert until == ids[-1]
    await dead_letter(redis, replays="1")
    first = await dead_letters.next_ids(redis, after=None, until=until)
    assert first == ids[:-1]
    assert await dead_letters.next_ids(redis, after=first[-1], until=until) == ids[-1:]
    assert await dead_letters.next_ids(redis, after=until, until=until) == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"all": False}, {"ids": []}, {"ids": ["1-1"], "all": True}, {"ids": ["x"]},
        {"ids": ["1-99999999999999999999"]}, {"ids": "1-1"}, {"all": 1}, {"ids": ["1-1"] * 501},
    ],
    ids=str,
)  # fmt: skip
async def test_a_bad_replay_is_422_and_sends_nothing(
    query: RunningQuery, redis: Client, body: dict[str, object]
) -> None:
    await dead_letter(redis)
    response = await query.client.post(f"{LETTERS}/replay", json=body, headers=BEARER)
    assert response.status_code == 422
    assert await sent(redis) == []


async def test_a_discarded_letter_is_gone(query: RunningQuery, redis: Client) -> None:
    letter_id, other = await dead_letter(redis), await dead_letter(redis)
    response = await query.client.delete(f"{LETTERS}/{letter_id}", headers=BEARER)
    assert (response.status_code, response.content) == (204, b"")
    assert [one.id for one in (await listed(query)).dead_letters] == [other]
    again = await query.client.delete(f"{LETTERS}/{letter_id}", headers=BEARER)
    assert again.status_code == 404
    assert await sent(redis) == []


async def test_a_full_redis_takes_nothing_away(tmp_path: Path, private_redis: RedisServer) -> None:
    redis = connect(private_redis.url)
    letter_id = await dead_letter(redis)
    settings = query_settings(tmp_path, redis_url=private_redis.url, admin_token=TOKEN)
    async with running_query(settings, always(HashEncoder())) as query:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "1")
        body = {"ids": [letter_id]}
        response = await query.client.post(f"{LETTERS}/replay", json=body, headers=BEARER)
        assert response.status_code == 503
        assert response.json()["code"] == "redis-unavailable"
        assert (await listed(query)).total == 1
        await redis.config_set("maxmemory", "0")
        assert (await replay(query, ids=[letter_id])).replayed == 1
        assert len(await sent(redis)) == 1
    await redis.aclose()


@asynccontextmanager
async def consuming(
    redis_url: str, consumer: ReviewConsumer, handle: Handler
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    subject = StreamConsumer(
        url=redis_url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name="embedder",
        handle=handle, on_dead=consumer.on_dead, dead_stream=DEAD_LETTERS_STREAM, block_ms=50,
    )  # fmt: skip
    task = asyncio.create_task(subject.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_from_poison_to_stored(
    query: RunningQuery, redis: Client, redis_url: str, tmp_path: Path
) -> None:
    """A fault of the software: buried, replayed too early, mended, replayed, stored."""
    engine = open_engine(EmbedderSettings(data_dir=tmp_path).database)
    consumer = ReviewConsumer(engine, lambda _: None)
    long = "It is about poison. " + "Nobody is safe, not even “you”. " * 1500

    async def faulty(entries: Sequence[Entry]) -> None:
        if any("poison" in entry.fields["body"] for entry in entries):
            raise RuntimeError("a fault of this version")
        await consumer.handle(entries)

    def stored() -> dict[str, str]:
        with reading(engine) as connection:
            rows = connection.execute(text("SELECT review_id, text FROM reviews"))
            return {row.review_id: row.text for row in rows}

    async def dead(replays: int) -> str:
        async def found() -> str | None:
            letters = (await listed(query)).dead_letters
            return next((one.id for one in letters if one.replays == replays), None)

        letter_id = await async_wait_until(found)
        assert letter_id is not None
        return letter_id

    items = [movie(1), review(1, 0, "A kind film."), review(1, 1, long), review(1, 2, "Fine.")]
    await append(redis, REVIEWS_STREAM, [item.to_fields() for item in items])
    async with consuming(redis_url, consumer, faulty):
        first = await dead(0)
        assert (await replay(query, ids=[first])).replayed == 1
        second = await dead(1)
    assert set(stored()) == {"test:1-0", "test:1-2"}
    [letter] = (await listed(query)).dead_letters
    assert (letter.id, letter.replays, letter.replayable) == (second, 1, True)
    assert letter.payload_bytes > 50_000
    assert "a fault of this version" in letter.reason

    async with consuming(redis_url, consumer, consumer.handle):
        assert (await replay(query, all=True)).replayed == 1

        async def settled() -> bool:
            return bool(await redis.xlen(REVIEWS_STREAM) == 0)

        await async_wait_until(settled)
    assert stored()["test:1-1"] == long.strip()
    assert (await listed(query)).total == 0
    engine.dispose()
