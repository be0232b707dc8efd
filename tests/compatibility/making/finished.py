"""This step makes everything that has come to its end: two snapshots, and runs of every kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .crawl import change_the_site, crawl, running_supervisor
from .embedder import end_of_run, running_embedder
from .invented import Archive, Club, Wire
from .old import old
from .program import OldProgram


async def publish_two_snapshots(program: OldProgram) -> None:
    """Crawl the site twice and publish each time; the second time with runs of other kinds."""
    async with running_supervisor(program) as supervisor:
        first = await crawl(program, supervisor, "first crawl")
        async with running_embedder(program):
            await end_of_run(program, first, "searchable")
        change_the_site(program.site)
        second = await crawl(program, supervisor, "second crawl")
    refused = await _request_what_is_refused(program)
    club = await _send(program, "club", "club", Club.first, complete=True)
    short = await _send(program, "short", "wire", Wire.items, lost=1, broken="wire:1-9")
    mirror = await _send(program, "mirror", "mirror", lambda _: [], kept=Club.KEPT_BY_A_MIRROR)
    archive = await program.request("half crawled", "archive")
    await program.runs.advance(program.redis, archive, "crawling")
    await program.append(Archive.searchable(archive.run_id))
    async with running_embedder(program):
        for run in (second, club, mirror):
            await end_of_run(program, run, "searchable")
        await end_of_run(program, short, "incomplete")
        guarded = await _send(program, "guarded", "club", Club.only_one, complete=True)
        await end_of_run(program, guarded, "incomplete")
        await _assert_refused(program, refused)
    ids = program.store.snapshot_ids()
    assert len(ids) == 2, ids
    await _end_by_hand(program, "failed", "site", "failed", error="no reviews were found",
                       kept_page="/srv/movie-search/ingest/site/page.html")  # fmt: skip
    await _end_by_hand(program, "cancelled", "other", "cancelled",
                       error="an operator cancelled it")  # fmt: skip


async def _request_what_is_refused(program: OldProgram) -> str:
    """Ask for a snapshot that does not exist to be activated; returns the activation's id."""
    activations = old("shared.activations")
    activation = activations.new_activation("00000009-0badcafe")
    await activations.record(program.redis, activation)
    return str(activation.activation_id)


async def _assert_refused(program: OldProgram, activation_id: str) -> None:
    activation = await old("shared.activations").get_activation(program.redis, activation_id)
    program.named["refused activation"] = activation_id
    assert str(activation.state) == "refused"


async def _send(
    program: OldProgram, name: str, source: str, items: Callable[[str], list[Any]], *,
    complete: bool = False, kept: Sequence[str] = (), lost: int = 0, broken: str | None = None,
) -> Any:  # fmt: skip
    """Send a whole run, as a crawl that is over has.

    Args:
        program: The old version.
        name: The name under which the id of the run is kept.
        source: The source of the run.
        items: The messages of the run with this id.
        complete: Whether the run says that it has seen all of the source.
        kept: Items that the run has seen unchanged, and does not send again.
        lost: How many of the last messages never arrive.
        broken: The id of a review of which only a part arrives.
    """
    messages = old("shared.messages")
    run = await program.request(name, source)
    await program.runs.advance(program.redis, run, "crawling")
    sent = items(run.run_id)
    ids = {messages.ledger_id(one.kind, one.item_id) for one in sent}
    entries = [one.to_fields() for one in (sent[:-lost] if lost else sent)]
    if broken is not None:
        ids.add(messages.ledger_id("review", broken))
        whole = Club.review(run.run_id, broken, "wire:1", "Cut off.", source=source)
        entries.append({**whole.to_fields(), "body": '{"review": "Cut o'})
    if kept:
        named = messages.KeptItems(run_id=run.run_id, source=source, number=0, items=kept)
        entries.append(named.to_fields())
    end = messages.RunEnd(
        run_id=run.run_id, source=source, emitted=len(ids),
        checksum=messages.checksum_of_ids(ids), kept=len(kept),
        kept_checksum=messages.checksum_of_ids(kept), complete=complete,
    )  # fmt: skip
    await program.append_fields([*entries, end.to_fields()])
    await program.runs.advance(program.redis, run, "embedding")
    return run


async def _end_by_hand(
    program: OldProgram, name: str, source: str, state: str, **fields: str
) -> None:
    """Record a run that ended in this state without having sent anything."""
    run = await program.request(name, source)
    await program.runs.advance(program.redis, run, "crawling")
    await program.runs.set_fields(program.redis, run.run_id, pages=3, attempts=1)
    await program.runs.advance(program.redis, run, state, **fields)
