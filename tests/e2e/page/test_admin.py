"""The operator's corner over a real query service and a real Redis, whose other users are the test.

What the whole system does together is in ``tests/e2e/test_page_system.py``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, Route, expect

from shared import activations, runs
from shared.dead_letters import count_letters
from shared.messages import COMMANDS_STREAM, DEAD_LETTERS_STREAM, REVIEWS_STREAM
from shared.redis import Client, connect
from shared.runs import Run
from shared.snapshot.store import SnapshotStore
from tests.support.encoders import HashEncoder
from tests.support.pages import DESK, PHONE, SCHEMES, Scheme, violations, watched_page
from tests.support.query_service import RunningQuery, always, query_settings, running_query
from tests.support.redis_server import RedisServer
from tests.support.snapshots import SnapshotBuilder
from tests.support.waiting import async_wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TOKEN = "correct-horse-battery-staple-0123456789"
HELD_BACK = (
    "8 of the 10 reviews that source demo had are gone from it, more than half: nothing was "
    'removed; if they are really gone, crawl again with `--allow-removals`, or "allow_removals": '
    "true"
)
MARKUP = "<img src=x onerror=alert(1)>"


@pytest_asyncio.fixture(loop_scope="module")
async def redis(private_redis: RedisServer) -> AsyncIterator[Client]:
    """A client in the module's loop; sources are known."""
    client = connect(private_redis.url)
    await runs.publish_sources(client, ["demo", "other"])
    yield client
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def query(
    tmp_path: Path, private_redis: RedisServer, redis: Client, builder: SnapshotBuilder
) -> AsyncIterator[RunningQuery]:
    builder.publish()
    settings = query_settings(
        tmp_path, reload_interval_s=0.05, redis_url=private_redis.url, admin_token=TOKEN
    )
    async with running_query(settings, always(builder.encoder)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def desk(page: Page) -> Page:
    """A phone's page with the operator at the desk."""
    await page.goto("/admin")
    await enter(page, TOKEN)
    await expect(page.locator(".source")).to_have_count(2)
    return page


async def enter(page: Page, token: str) -> None:
    await page.locator("#token").fill(token)
    await page.locator("#token").press("Enter")


async def begin(redis: Client, source: str = "demo") -> Run:
    run, _ = await runs.request_run(redis, source)
    await runs.advance(redis, run, "crawling")
    return run


async def bury(redis: Client, number: int, **fields: str) -> None:
    entry = {"v": "1", "kind": "review", "run": "r", "id": f"demo:{number}", "body": "{}"}
    told = {"entry": f"{number}-0", "reason": f"it is the {number}th", "deliveries": "5"}
    await redis.xadd(DEAD_LETTERS_STREAM, {**entry, **told, **fields})


async def test_nothing_is_asked_for_before_there_is_a_token(page: Page) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    await page.goto("/admin")
    await expect(page.locator("#token")).to_be_focused()
    await enter(page, "not ascii: ü")
    await expect(page.get_by_text("This is not the admin token")).to_be_visible()
    assert [request.url for request in asked if "/admin/" in request.url] == []


async def test_the_token_is_forgotten_when_told_to_and_when_the_page_is_left(desk: Page) -> None:
    await desk.get_by_role("button", name="Forget the token").click()
    await expect(desk.locator("#token")).to_have_value("")
    await enter(desk, TOKEN)
    await expect(desk.locator(".source")).to_have_count(2)
    await desk.reload()
    await expect(desk.locator("#token")).to_be_visible()


async def test_an_admin_api_that_is_off_says_how_to_switch_it_on(
    browser: Browser, tmp_path: Path
) -> None:
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), HashEncoder())
    builder.publish()
    settings = query_settings(tmp_path)
    async with running_query(settings, always(builder.encoder)) as off:
        origin = f"http://{off.host}:{off.port}"
        async with watched_page(browser, origin) as page:
            await page.goto("/admin")
            await enter(page, TOKEN)
            await expect(page.locator("#gate-said")).to_contain_text("MOVIE_SEARCH_ADMIN_TOKEN")
            await expect(page.locator(".source")).to_have_count(0)


async def test_a_run_is_followed_live_and_cancelled_with_a_second_thought(
    desk: Page, redis: Client
) -> None:
    card = desk.locator(".source").first
    await card.get_by_role("button", name="Re-ingest demo").click()
    await expect(card.locator(".badge")).to_have_text("queued")
    [run] = await runs.active_runs(redis)
    assert run.allow_removals is False
    await runs.advance(redis, run, "crawling")
    await runs.set_fields(redis, run.run_id, pages=12, crawled=40, stored=10, duplicate=20)
    await expect(card.locator("[aria-current=step]")).to_have_text("crawling")
    await expect(card).to_contain_text("40 reviews seen")
    await expect(card.locator(".shares li")).to_have_text(
        ["10 new or changed", "20 unchanged", "10 on the way"]
    )

    dialog = desk.get_by_role("dialog")
    await card.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="No, leave it").click()
    assert await runs.active_runs(redis)
    await card.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="Cancel the crawl").click()
    await expect(card.locator(".badge")).to_have_text("cancelled")
    assert await runs.active_runs(redis) == []
    history = desk.locator("[aria-labelledby=runs] .card").first
    await expect(history).to_contain_text("an operator cancelled it")


async def test_each_click_is_one_run_however_often_it_is_sent(desk: Page, redis: Client) -> None:
    keys: list[str] = []

    async def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fetch()  # it arrives, and its answer does not
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await desk.route(lambda url: url.endswith("/admin/ingest"), lose_the_first_answer)
    card = desk.locator(".source").first
    await card.get_by_role("button", name="Re-ingest demo").click()
    await expect(card.get_by_role("status")).to_have_text("The crawl is asked for.")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_a_run_that_was_held_back_may_remove_when_the_operator_says_so(
    desk: Page, redis: Client
) -> None:
    run = await begin(redis)
    await runs.advance(redis, run, "incomplete", error=HELD_BACK)
    card = desk.locator(".source").first
    await expect(card.locator(".error")).to_have_text(HELD_BACK)  # in full
    await card.get_by_role("button", name="Re-ingest and allow removals").click()
    dialog = desk.get_by_role("dialog", name="Let demo lose more than half?")
    await dialog.get_by_role("button", name="Crawl, and allow removals").click()
    await expect(card.locator(".badge")).to_have_text("queued")
    [wanted] = await runs.active_runs(redis)
    assert wanted.allow_removals is True
    other = desk.locator(".source").nth(1)
    await expect(other.get_by_role("button")).to_have_count(1)


async def test_a_source_that_somebody_else_has_started_is_shown_as_it_is(
    desk: Page, redis: Client
) -> None:
    card = desk.locator(".source").nth(1)
    button = card.get_by_role("button", name="Re-ingest other")
    await expect(button).to_be_enabled()
    await runs.request_run(redis, "other")
    await button.click()
    await expect(card.locator(".badge")).to_have_text("queued")
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_dead_letters_are_looked_at_sent_again_and_discarded(
    desk: Page, redis: Client
) -> None:
    for number in range(1, 24):
        await bury(redis, number)
    await bury(redis, 24, reason=MARKUP, body=MARKUP)
    await bury(redis, 25, truncated="9000000", body="")
    await desk.reload()
    await enter(desk, TOKEN)
    panel = desk.locator("[aria-labelledby=letters]")
    await expect(panel).to_contain_text("25 messages could not be stored")
    letters = panel.locator(".letter")
    await expect(letters).to_have_count(20)
    await expect(letters.first.get_by_role("button", name="Send again")).to_have_count(0)
    await letters.nth(1).locator("summary").click()
    await expect(letters.nth(1).locator(".payload")).to_contain_text(MARKUP)
    await expect(letters.nth(1).locator(".error")).to_have_text(MARKUP)
    assert await desk.locator(".admin img").count() == 0

    await letters.nth(1).get_by_role("button", name="Send again").click()
    await expect(panel.get_by_role("status").first).to_have_text("1 message sent again.")
    await expect(panel.get_by_role("heading", level=2)).to_be_focused()
    await expect(panel).to_contain_text("24 messages")
    [(_, sent)] = await redis.xrange(REVIEWS_STREAM)
    assert sent["id"] == "demo:24"

    dialog = desk.get_by_role("dialog")
    await letters.first.get_by_role("button", name="Discard").click()
    await dialog.get_by_role("button", name="Discard it").click()
    await expect(panel).to_contain_text("23 messages")

    await panel.get_by_role("button", name="Older").click()
    await expect(letters).to_have_count(3)
    await panel.get_by_role("button", name="Send all again").click()
    await dialog.get_by_role("button", name="Send all again").click()
    await expect(panel.get_by_role("status").first).to_have_text("23 messages sent again.")
    await expect(panel).to_contain_text("Everything could be stored.")
    assert await count_letters(redis) == 0
    assert await redis.xlen(REVIEWS_STREAM) == 24


async def test_a_roll_back_is_followed_to_what_the_embedder_says(
    desk: Page, redis: Client, builder: SnapshotBuilder
) -> None:
    first = await desk.locator(".snapshot .id").first.inner_text()
    builder.publish()
    shelf = desk.locator("[aria-labelledby=snapshots]")
    await shelf.get_by_role("button", name=f"Roll back to {first}").click(timeout=10_000)
    await desk.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await expect(shelf.get_by_role("status")).to_contain_text("the embedder proves it")
    await expect(shelf.locator(".snapshot button")).to_be_disabled()

    wanted = await activations.next_queued(redis)
    assert wanted is not None
    assert wanted.snapshot_id == first
    refused = wanted.model_copy(update={"state": "refused", "reason": "vectors.npy is damaged"})
    await activations.conclude(redis, refused)
    await expect(shelf.get_by_role("status")).to_have_text(
        f"{first} was refused: vectors.npy is damaged."
    )
    await expect(shelf.locator(".snapshot button")).to_be_enabled()


async def test_without_redis_it_says_so_and_gets_well_by_itself(
    desk: Page, private_redis: RedisServer
) -> None:
    private_redis.kill()
    health = desk.locator("[aria-labelledby=health]")
    await expect(health).to_contain_text("Redis cannot be reached", timeout=20_000)
    await expect(health).to_contain_text("are answered")
    await expect(desk.locator(".snapshot")).to_have_count(1)  # they need no Redis
    private_redis.start()
    await expect(health).to_contain_text("can be followed", timeout=20_000)


async def test_the_keyboard_is_enough(page: Page, redis: Client) -> None:
    await page.goto("/admin")
    await page.keyboard.type(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.locator(".source")).to_have_count(2)
    for _ in range(6):
        await page.keyboard.press("Tab")
        name = await page.evaluate("document.activeElement.textContent.trim()")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", name
        if re.fullmatch("Re-ingest demo", name):
            break
    await page.keyboard.press("Enter")

    async def queued() -> bool:
        return len(await runs.active_runs(redis)) == 1

    await async_wait_until(queued)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing_when_there_is_much_to_say(
    browser: Browser, origin: str, redis: Client, scheme: Scheme, width: int
) -> None:
    run = await begin(redis, "other")
    await runs.advance(redis, run, "incomplete", error=HELD_BACK)
    run = await begin(redis)
    await runs.set_fields(redis, run.run_id, pages=12, crawled=40, stored=10, duplicate=20)
    await bury(redis, 1, reason=f"{'x' * 300} is not a review")
    opened = watched_page(browser, origin, width=width, scheme=scheme, bypass_csp=True)
    async with opened as page:
        await page.goto("/admin")
        await enter(page, TOKEN)
        await expect(page.locator("progress")).to_be_visible()
        await page.locator(".letter summary").click()
        await expect(page.locator(".payload")).to_be_visible()
        for summary in await page.locator("[aria-labelledby=runs] summary").all():
            await summary.click()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await violations(page) == []
