"""Builds a snapshot from reviews on disk, with the system's own services.

Redis, ingest and the embedder run as children, as under ``movie-search up`` but without the query
service, so that no port is opened. The data folder is kept and used again while nothing that
decides its content has changed: ``stamp.json`` holds the digests. When only the form of snapshots
has changed, the vectors are kept and a new snapshot is published; when the reviews, the passages or
the encoder have changed, the folder is built from scratch.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from services.local.processes import CannotStart
from services.local.system import LocalSystem
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.settings import PREFIX
from shared.snapshot.storage.manifest import CURRENT
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore

STAMP = "stamp.json"
LOG = "services.log"
POLL_S = 0.5
SAY_EVERY_S = 10.0
PUBLISH_TIMEOUT_S = 600.0

_ROOT = Path(__file__).resolve().parents[2]
_DECIDE_VECTORS = (
    "shared/record.py", "shared/text/passages.py", "shared/encoder",
    "services/embedder/encoding.py", "services/embedder/model/conversion.py",
    "services/embedder/database/models.py", "services/embedder/model/directions", "services/ingest",
)  # fmt: skip
_DECIDE_SNAPSHOTS = ("shared/snapshot", "shared/text", "services/embedder")


class BuildFailed(RuntimeError):
    """The snapshot could not be built; the message is one line."""


def ensure_snapshot(
    data_dir: Path,
    *,
    sources: Path,
    source: str,
    files: Iterable[Path],
    say: Callable[[str], None],
    begin_with: Path | None = None,
) -> SnapshotStore:
    """A snapshot of a source, built unless the one in ``data_dir`` is up to date.

    Args:
        data_dir: A data folder that serves only this purpose: it may be emptied.
        sources: A ``sources.toml``.
        source: The name of the source in that file.
        files: The files that the source reads.
        say: Prints a line of progress.
        begin_with: An up-to-date data folder of the same reviews, of which a copy is the beginning
            instead of an empty folder, so that nothing is encoded twice. What the source no longer
            says of a movie is kept, so the copied movies must not say more than the source's.

    Raises:
        BuildFailed: the crawl did not become searchable, or a service cannot start.
    """
    read = [*(_ROOT / path for path in _DECIDE_VECTORS), sources, *files]
    stamp = {
        "vectors": _digest(read),
        "snapshots": _digest(_ROOT / path for path in _DECIDE_SNAPSHOTS),
    }
    store = SnapshotStore(data_dir / "snapshots")
    built = _read_stamp(data_dir)
    if built == stamp and (store.root / CURRENT).is_file():
        say(f"{source}: the snapshot in {data_dir} is up to date")
        return store
    if built.get("vectors") != stamp["vectors"]:
        shutil.rmtree(data_dir, ignore_errors=True)
        if begin_with is not None:
            shutil.copytree(begin_with, data_dir, symlinks=True, ignore=_sockets)
    (store.root / CURRENT).unlink(missing_ok=True)  # so that the embedder publishes in any case
    data_dir.mkdir(parents=True, exist_ok=True)
    begun = {"vectors": stamp["vectors"], "snapshots": "begun"}  # an interrupted build continues
    (data_dir / STAMP).write_bytes(orjson.dumps(begun))
    started = time.monotonic()
    try:
        asyncio.run(_Build(data_dir.absolute(), source, store, say).run(sources.absolute()))
    except CannotStart as error:
        raise BuildFailed(str(error)) from error
    (data_dir / STAMP).write_bytes(orjson.dumps(stamp))
    took_s = time.monotonic() - started
    say(f"{source}: snapshot {store.current().snapshot_id} built in {took_s:.0f} s")
    return store


def _read_stamp(data_dir: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = orjson.loads((data_dir / STAMP).read_bytes())
    except (OSError, ValueError):
        return {}
    return stamp


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]


def _digest(paths: Iterable[Path]) -> str:
    """Digest of files' names and contents; a folder counts with all files but compiled Python."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        for file in inside or [path]:
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


class _Build:
    """A crawl of one source, until a snapshot of it is published."""

    def __init__(
        self, data_dir: Path, source: str, store: SnapshotStore, say: Callable[[str], None]
    ) -> None:
        self._data_dir = data_dir
        self._source = source
        self._store = store
        self._say = say

    async def run(self, sources: Path) -> None:
        """Start the services, build the snapshot, and stop them."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(PREFIX)
        }
        with (self._data_dir / LOG).open("ab") as log:
            system = LocalSystem(
                ["embedder", "ingest"],
                data_dir=self._data_dir,
                environment={
                    **inherited,
                    f"{PREFIX}SOURCES": str(sources),
                    f"{PREFIX}DEMO_SITE_PORT": "0",
                    f"{PREFIX}PUBLISH_EVERY_S": "86400",  # one snapshot, when all is encoded
                },
                output=log,
            )
            await system.run(self._crawl_and_publish)

    async def _crawl_and_publish(self, client: Client) -> None:
        run = await self._requested_run(client)
        state, said = "", 0.0
        while not registry.ended(run):
            if run.state != state or time.monotonic() - said > SAY_EVERY_S:
                state, said = run.state, time.monotonic()
                self._say(f"{self._source}: {state}, {run.crawled} reviews, {run.embedded} encoded")
            await asyncio.sleep(POLL_S)
            run = await registry.get_run(client, run.run_id) or run
        if run.state != "searchable":
            raise BuildFailed(
                f"{self._source}: run {run.state}: {run.error}; see {self._data_dir / LOG}"
            )
        await self._wait_for_snapshot()

    async def _requested_run(self, client: Client) -> registry.Run:
        """A new run, or the one that an interrupted build has left."""
        try:
            run, _ = await registry.request_run(client, self._source)
        except registry.SourceBusy as busy:
            record = await registry.get_run(client, busy.run_id)
            if record is None:
                raise BuildFailed(f"run {busy.run_id} is lost: remove {self._data_dir}") from busy
            return record
        return run

    async def _wait_for_snapshot(self) -> None:
        """Wait for the snapshot: a run without new reviews can end before it is published."""
        deadline = time.monotonic() + PUBLISH_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                self._store.current()
            except NoSnapshot:
                await asyncio.sleep(POLL_S)
            else:
                return
        raise BuildFailed(f"{self._source}: no snapshot published; see {self._data_dir / LOG}")
