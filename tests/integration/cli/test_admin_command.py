"""The admin commands of ``movie-search``, against a running service and a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from services.cli import app
from services.embedder.database.engine import open_engine
from services.embedder.publishing.activation_handler import ActivationHandler
from services.embedder.settling.operator_removal import OperatorRemovals
from services.embedder.settling.removal_handler import RemovalHandler
from shared.delivery.keys import DEAD_LETTERS_STREAM, REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry, removal_requests
from shared.snapshot.commit import point_current_at
from shared.snapshot.storage.manifest import CATALOGUE_FILE, CURRENT, PASSAGES_FILE, VECTORS_FILE
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.arrivals import arrive, movie, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.stored import count_reviews
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, MOVIES, SnapshotBuilder
from tests.support.waiting import async_wait_until

TOKEN = "correct-horse-battery-staple-0123456789"


@dataclass(frozen=True)
class Done:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


@dataclass(frozen=True)
class System:
    """A query service with its store, and the command line on the same machine."""

    query: RunningQuery
    redis: Client
    builder: SnapshotBuilder
    folder: Path

    async def command(self, *arguments: str, token: str | None = TOKEN) -> Done:
        environment = {
            "MOVIE_SEARCH_URL": f"http://{self.query.host}:{self.query.port}",
            "MOVIE_SEARCH_DATA_DIR": str(self.folder),
            "MOVIE_SEARCH_ADMIN_TOKEN": token,
        }

        def run() -> Done:
            result = CliRunner().invoke(app, arguments, env=environment)
            return Done(result.exit_code, result.stdout, result.stderr)

        return await asyncio.to_thread(run)  # the service runs in this thread

    async def works(self, *arguments: str) -> Done:
        done = await self.command(*arguments)
        assert done.exit_code == 0, done.stderr
        return done

    async def fails(self, *arguments: str, code: int = 1) -> str:
        """Run a command that fails; returns its one line on standard error."""
        done = await self.command(*arguments)
        assert done.exit_code == code, done
        [line] = done.stderr.splitlines()
        assert line.startswith("movie-search: ")
        return line.removeprefix("movie-search: ")

    async def new_run(self, source: str = "demo") -> registry.Run:
        run, _ = await registry.request_run(self.redis, source)
        return run


@pytest.fixture
async def system(tmp_path: Path, redis: Client, redis_url: str) -> AsyncIterator[System]:
    await registry.publish_sources(redis, ["demo", "other"])
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), HashEncoder())
    builder.publish([BOXER])
    settings = query_settings(
        tmp_path, redis_url=redis_url, admin_token=TOKEN, reload_interval_s=0.05
    )
    # The service runs in this process, so its logs would mix with the output of the command.
    with capture_logs():
        async with running_query(settings, always(builder.encoder)) as query:
            await query.reload()
            yield System(query, redis, builder, tmp_path)


@asynccontextmanager
async def beside(step: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Repeat a step of another service, meanwhile, until it has succeeded."""
    task = asyncio.create_task(async_wait_until(step))
    yield
    assert await task


async def test_a_crawl_is_followed_until_it_is_searchable(system: System) -> None:
    async def crawl_and_publish() -> bool:
        active = await registry.active_runs(system.redis)
        if not active:
            return False
        [run] = active
        assert run.allow_removals
        await registry.set_fields(
            system.redis, run.run_id,
            pages=7, movies=2, crawled=3, kept=40, stored=1, duplicate=2, embedded=1, removed=5,
        )  # fmt: skip
        snapshot_id = system.builder.publish(MOVIES).snapshot_id
        return await registry.advance(system.redis, run, "searchable", snapshot_id=snapshot_id)

    async with beside(crawl_and_publish):
        done = await system.works("ingest", "demo", "--wait", "--allow-removals")
    snapshot_id = system.builder.store.current().snapshot_id
    assert done.lines[0].endswith("of demo: queued")
    assert done.lines[1] == (
        f"searchable in snapshot {snapshot_id}: 43 reviews, 1 new or changed, 42 unchanged, "
        "5 removed"
    )
    assert (
        "searchable: 7 pages, 2 movies, 3 reviews crawled, 40 kept, 1 stored, 1 encoded, 5 removed"
    ) in done.stderr


async def test_a_crawl_into_a_rolled_back_system_says_so(system: System) -> None:
    old = system.builder.store.current().snapshot_id
    new = system.builder.publish(MOVIES).snapshot_id
    point_current_at(system.builder.store, old)

    async def nothing_new() -> bool:
        active = await registry.active_runs(system.redis)
        return bool(active) and await registry.advance(
            system.redis, active[0], "searchable", snapshot_id=new
        )

    async with beside(nothing_new):
        done = await system.command("ingest", "demo", "--wait")
    assert done.exit_code == 1
    assert f"rolled back to {old}: `movie-search snapshots activate {new}`" in done.stderr


async def test_a_run_that_fails_is_one_line(system: System) -> None:
    async def fail() -> bool:
        active = await registry.active_runs(system.redis)
        return bool(active) and await registry.advance(
            system.redis, active[0], "failed", error="blocked:\n\x1b[31m403"
        )

    async with beside(fail):
        done = await system.command("ingest", "demo", "--wait")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith(" failed: blocked: [31m403")


async def test_cancelling(system: System) -> None:
    run = await system.new_run()
    done = await system.works("cancel", run.run_id)
    assert done.stdout == f"run {run.run_id} of demo: cancelled\n"
    assert await system.fails("cancel", run.run_id) == (
        "The run has already ended: its state is cancelled."
    )
    assert await system.fails("cancel", "nope") == "No run has this id."
    assert "Missing argument" in (await system.command("cancel")).stderr


async def test_runs_as_a_table_and_as_json(system: System) -> None:
    first = await system.new_run("other")
    await registry.advance(
        system.redis, first, "failed", error="drift", kept_page="/data/drift.html"
    )
    second = await system.new_run()
    await registry.set_fields(
        system.redis, second.run_id, pages=11, kept=22, removed=33, freshness_median_s=12.34
    )
    done = await system.works("runs")
    head, *rows = done.lines
    assert head.split()[:5] == ["run", "source", "state", "requested", "pages"]
    row = next(row.split() for row in rows if row.startswith(second.run_id))
    assert row[1:3] == ["demo", "queued"]
    assert {"11", "22", "33", "12.3"} <= set(row)
    assert f"{first.run_id}: drift" in rows
    assert f"{first.run_id}: page saved to /data/drift.html" in rows
    shown = json.loads((await system.works("runs", "--source", "other", "--json")).stdout)
    assert [one["run_id"] for one in shown["runs"]] == [first.run_id]
    assert len((await system.works("runs", "--limit", "1")).lines) == 2
    assert (await system.command("runs", "--limit", "0")).exit_code == 2


async def test_status_counts_the_dead_letters(system: System) -> None:
    run = await system.new_run()
    assert "dead letters" not in (await system.works("status")).stdout
    await system.redis.xadd(DEAD_LETTERS_STREAM, {"kind": "review"})
    shown = (await system.works("status")).stdout
    assert "1 movies" in shown
    assert "1 dead letters: see `movie-search dead-letters list`" in shown
    assert run.run_id in shown
    without = await system.command("status", token=None)
    assert (without.exit_code, without.stdout.count("\n")) == (0, 1)


async def dead_letter(system: System, **fields: str) -> str:
    letter = {"kind": "review", "run": "run-1", "id": "test:1", "body": "{}", **fields}
    letter_id: str = await system.redis.xadd(DEAD_LETTERS_STREAM, letter)
    return letter_id


async def test_dead_letters_are_listed(system: System) -> None:
    assert (await system.works("dead-letters", "list")).stdout == "no dead letters\n"
    ids = [await dead_letter(system, reason=f"reason {n}") for n in range(3)]
    await dead_letter(system, id="\x1b]0;owned\x07", reason="[red]a\nb[/red]", truncated="300000")
    done = await system.works("dead-letters", "list")
    assert len(done.lines) == 5
    assert done.lines[0].split() == [
        "id", "died", "kind", "item", "run", "replays", "size", "whole", "reason",
    ]  # fmt: skip
    assert "\x1b" not in done.stdout
    assert "[red]a b[/red]" in done.lines[1]
    assert "300 kB  no" in done.lines[1]
    assert done.lines[2].startswith(ids[2])
    assert done.lines[2].rstrip().endswith("reason 2")
    page = await system.works("dead-letters", "list", "--limit", "2", "--cursor", ids[2])
    assert [line.split()[0] for line in page.lines[1:]] == [ids[1], ids[0]]
    more = await system.works("dead-letters", "list", "--limit", "1")
    assert "4 in total" in more.lines[-1]
    shown = json.loads((await system.works("dead-letters", "list", "--json")).stdout)
    assert (shown["total"], shown["next_cursor"]) == (4, None)
    assert "cursor" in await system.fails("dead-letters", "list", "--cursor", "x")


async def test_dead_letters_are_replayed_and_discarded(system: System) -> None:
    ids = [await dead_letter(system, id=f"test:{n}") for n in range(5)]
    assert (await system.works("dead-letters", "replay", *ids[:2])).stdout == "2 replayed\n"
    assert await system.redis.xlen(REVIEWS_STREAM) == 2
    refused = await system.fails("dead-letters", "replay", ids[0], ids[2])
    assert refused.startswith(f"1 not replayed: {ids[0]}: no such dead letter")
    assert await system.redis.xlen(REVIEWS_STREAM) == 3
    done = await system.works("dead-letters", "discard", ids[3])
    assert done.stdout == f"{ids[3]} discarded\n"
    assert "No dead letter" in await system.fails("dead-letters", "discard", ids[3])
    assert (await system.works("dead-letters", "replay", "--all")).stdout == "1 replayed\n"
    assert (await system.works("dead-letters", "replay", "--all")).stdout == "0 replayed\n"
    assert [fields["id"] for _, fields in await system.redis.xrange(REVIEWS_STREAM)] == [
        "test:0", "test:1", "test:2", "test:4",
    ]  # fmt: skip
    await system.fails("dead-letters", "replay", code=2)
    await system.fails("dead-letters", "replay", "--all", "1-1", code=2)


async def test_many_ids_are_replayed_in_several_requests(system: System) -> None:
    ids = [await dead_letter(system, id=f"test:{n}") for n in range(501)]
    assert (await system.works("dead-letters", "replay", *ids)).stdout == "501 replayed\n"


async def test_snapshots_are_listed(system: System) -> None:
    old = system.builder.store.current().snapshot_id
    done = await system.works("snapshots", "list")
    assert len(done.lines) == 2
    assert done.lines[1].startswith(old)
    assert done.lines[1].rstrip().endswith("current, served, leased")
    shown = json.loads((await system.works("snapshots", "list", "--json")).stdout)
    assert shown["current"] == old


async def test_rolling_back_and_forward(system: System) -> None:
    old = system.builder.store.current().snapshot_id
    new = system.builder.publish(MOVIES).snapshot_id
    owner = ActivationHandler(
        system.redis,
        system.builder.store,
        encoder_id=system.builder.encoder.spec.encoder_id,
        lease_folder=system.folder / "leases",
        on_activated=lambda _: None,
    )

    async def carry_out() -> bool:
        await owner.carry_out()
        keys = await system.redis.keys("activation:*")
        return bool(keys) and all([await system.redis.hget(k, "state") != "queued" for k in keys])

    async with beside(carry_out):
        done = await system.works("snapshots", "activate", old)
    assert done.stdout == f"snapshot {old} is served; before: {new}\n"
    await system.redis.flushall()
    path = system.builder.store.folder(new) / CATALOGUE_FILE
    path.write_bytes(path.read_bytes() + b"x")
    async with beside(carry_out):
        refused = await system.fails("snapshots", "activate", new)
    assert refused.startswith(f"snapshot {new} not activated: it is damaged: {CATALOGUE_FILE}")
    unknown = await system.fails("snapshots", "activate", "00000099-00000000")
    assert unknown == "The store has no snapshot with this id."


async def test_verifying_an_intact_store(system: System) -> None:
    old = system.builder.store.current().snapshot_id
    new = system.builder.publish(MOVIES).snapshot_id
    done = await system.works("snapshots", "verify")
    assert [line.split(":")[0] for line in done.lines] == [new, old]
    assert all(line.endswith(", intact") for line in done.lines)
    assert len((await system.works("snapshots", "verify", old)).lines) == 1
    (system.builder.store.root / CURRENT).unlink()
    assert "no snapshot is served" in (await system.works("snapshots", "verify")).lines[-1]
    unknown = await system.fails("snapshots", "verify", "00000099-00000000")
    assert "no snapshot 00000099-00000000 in" in unknown
    elsewhere = str(system.folder / "elsewhere")
    assert "no snapshot in" in await system.fails("snapshots", "verify", "--data-dir", elsewhere)


async def test_verifying_names_every_damaged_file(system: System) -> None:
    store = system.builder.store
    old = store.current().snapshot_id
    new = system.builder.publish(MOVIES).snapshot_id
    payload = bytearray((store.folder(old) / PASSAGES_FILE).read_bytes())
    payload[-1] ^= 1
    (store.folder(old) / PASSAGES_FILE).write_bytes(payload)
    (store.folder(old) / VECTORS_FILE).unlink()
    done = await system.command("snapshots", "verify")
    assert done.exit_code == 1
    assert [line.split(":")[0] for line in done.lines] == [new]
    [line] = done.stderr.splitlines()
    assert line.startswith("movie-search: 2 damaged: ")
    assert f"{old}/{PASSAGES_FILE}: its sha256 differs" in line
    assert f"{old}/{VECTORS_FILE}: No such file" in line
    assert (await system.command("snapshots", "verify", new)).exit_code == 0


async def test_verifying_checks_the_manifests_and_current(system: System) -> None:
    store = system.builder.store
    old = store.current().snapshot_id
    new = system.builder.publish(MOVIES).snapshot_id
    manifest = store.folder(new) / "manifest.json"
    # A valid manifest, but not the published one: only CURRENT has the digest of that.
    manifest.write_text(manifest.read_text().replace('"reviews": 6', '"reviews": 7'))
    line = await system.fails("snapshots", "verify")
    assert line.startswith("1 damaged: CURRENT: ")
    (store.folder(old) / "manifest.json").write_text("{")
    line = await system.fails("snapshots", "verify", old)
    assert line.startswith(f"1 damaged: {old}/manifest.json: ")


async def test_sources_are_checked_and_listed(system: System, tmp_path: Path) -> None:
    done = await system.works("sources")
    assert [line.split()[:2] for line in done.lines[1:]] == [["demo", "schema_org"]]
    file = tmp_path / "sources.toml"
    file.write_text(
        '[sources.mine]\nspider = "dataset"\nmovies = "m.csv"\nreviews = "r.csv"\nevery = "24h"\n'
        '[sources.site]\nspider = "schema_org"\nstart_urls = ["https://films.example/"]\n'
    )
    done = await system.works("sources", "--file", str(file))
    assert [line.split()[:2] for line in done.lines[1:]] == [
        ["demo", "schema_org"], ["mine", "dataset"], ["site", "schema_org"],
    ]  # fmt: skip
    assert "24.0 h" in done.lines[2]
    assert str(tmp_path / "r.csv") in done.lines[2]
    assert "films.example" in done.lines[3]
    file.write_text('[sources.mine]\nspider = "dataset"\nmovie = "m.csv"\n')
    assert str(file) in await system.fails("sources", "--file", str(file))
    absent = await system.fails("sources", "--file", str(tmp_path / "none.toml"), code=2)
    assert absent == f"file not found: {tmp_path / 'none.toml'}"


async def test_every_admin_command_needs_the_token(system: System) -> None:
    for arguments in (
        ("ingest", "demo"), ("cancel", "x"), ("runs",), ("dead-letters", "list"),
        ("dead-letters", "replay", "--all"), ("dead-letters", "discard", "1-1"),
        ("snapshots", "list"), ("snapshots", "activate", "x"),
    ):  # fmt: skip
        without = await system.command(*arguments, token=None)
        assert without.exit_code == 1, arguments
        assert without.stderr.startswith("movie-search: no admin token: ")
        assert without.stderr.count("\n") == 1
        wrong = await system.command(*arguments, token="w" * 20 + "rong-token-of-good-length")
        assert wrong.exit_code == 1, arguments
        assert wrong.stderr.count("\n") == 1


async def test_removing_and_allowing_again(system: System) -> None:
    engine = open_engine(f"sqlite:///{system.folder / 'movies.sqlite'}")
    await arrive(engine, movie("tt1"), review("a", "tt1"), movie("tt2"), review("b", "tt2"))
    handler = RemovalHandler(system.redis, OperatorRemovals(engine), on_removed=lambda: None)

    async def carry_out() -> bool:
        waiting = await removal_requests.next_removal(system.redis)
        await handler.carry_out()
        return waiting is not None

    async with beside(carry_out):
        done = await system.works("remove", "movie", "tt1", "--yes")
    assert done.stdout == "removed: 1 reviews, 1 movies; the next snapshot does not have them\n"
    assert count_reviews(engine) == 1
    async with beside(carry_out):
        assert await system.fails("remove", "movie", "tt9", "--yes") == "there is no movie tt9"
    assert "Aborted" in (await system.command("remove", "review", "b")).stderr
    assert count_reviews(engine) == 1
    async with beside(carry_out):
        done = await system.works("allow", "movie", "tt1")
    assert done.stdout == "allowed: the next crawl may bring back movie tt1\n"
    await registry.publish_stored_sources(system.redis, ["demo", "gone"])
    status = await system.works("status")
    assert "source gone is stored and no longer configured" in status.stderr + status.stdout
    engine.dispose()
