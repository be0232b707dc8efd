"""Reviews on disk to a snapshot, by the system's own services.

Redis, ingest and the embedder run as children, as under ``movie-search up`` but without the query
service: nothing listens on a port. The data folder is kept, and used again while nothing that
decides its content has changed; ``stamp.json`` tells. When only the form of snapshots has changed,
the vectors are kept and a new snapshot is published; when the reviews, the passages or the encoder
have, the folder is made anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from services.local import redis_server
from services.local.processes import CannotStart, Service
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.runs import registry
from shared.settings import PREFIX
from shared.snapshot.storage.manifest import CURRENT
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore

STAMP = "stamp.json"
POLL_S = 0.5
SAY_EVERY_S = 10.0
REDIS_TIMEOUT_S = 60.0
PUBLISH_TIMEOUT_S = 600.0

_ROOT = Path(__file__).resolve().parents[2]
_DECIDE_VECTORS = (
    "shared/text/passages.py", "shared/encoder", "services/embedder/encoding.py",
    "services/embedder/model/conversion.py", "services/embedder/database/models.py",
    "services/embedder/model/directions", "services/ingest",
)  # fmt: skip
_DECIDE_SNAPSHOTS = ("shared/snapshot", "shared/text/terms.py", "services/embedder")


class BuildFailed(RuntimeError):
    """The snapshot could not be built; the message is one line."""


def ensure_snapshot(
    data_dir: Path, *, sources: Path, source: str, files: Iterable[Path], say: Callable[[str], None]
) -> SnapshotStore:
    """A snapshot of a source, made now unless the one in ``data_dir`` is up to date.

    Args:
        data_dir: The system's data folder, for this purpose alone: it may be emptied.
        sources: A ``sources.toml``.
        source: The source in it.
        files: What the source reads.
        say: Takes a line of progress.

    Raises:
        BuildFailed: the crawl did not become searchable, or a service cannot start.
    """
    read = [*(_ROOT / path for path in _DECIDE_VECTORS), sources, *files]
    stamp = {
        "vectors": _digest(read),
        "snapshots": _digest(_ROOT / path for path in _DECIDE_SNAPSHOTS),
    }
    store = SnapshotStore(data_dir / "snapshots")
    found = _read_stamp(data_dir)
    if found == stamp and (store.root / CURRENT).is_file():
        say(f"{source}: the snapshot in {data_dir} is up to date")
        return store
    if found.get("vectors") != stamp["vectors"]:
        shutil.rmtree(data_dir, ignore_errors=True)
    (store.root / CURRENT).unlink(missing_ok=True)  # so that a snapshot is published in any case
    data_dir.mkdir(parents=True, exist_ok=True)
    begun = {"vectors": stamp["vectors"], "snapshots": "begun"}  # an interrupted build goes on
    (data_dir / STAMP).write_bytes(orjson.dumps(begun))
    started = time.monotonic()
    try:
        asyncio.run(_Pipeline(data_dir, sources, source, say).run(store))
    except (CannotStart, redis_server.RedisServerMissing) as error:
        raise BuildFailed(str(error)) from error
    (data_dir / STAMP).write_bytes(orjson.dumps(stamp))
    say(f"{source}: {store.current().snapshot_id} after {time.monotonic() - started:.0f} s")
    return store


def _read_stamp(data_dir: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = orjson.loads((data_dir / STAMP).read_bytes())
    except (OSError, ValueError):
        return {}
    return stamp


def _digest(paths: Iterable[Path]) -> str:
    """Of the files' contents; of everything below a folder but what Python compiles."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        for file in inside or [path]:
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


class _Pipeline:
    """Redis, ingest and the embedder as children of this process."""

    def __init__(
        self, data_dir: Path, sources: Path, source: str, say: Callable[[str], None]
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._sources = sources.absolute()
        self._source = source
        self._say = say
        self._stop = asyncio.Event()

    async def run(self, store: SnapshotStore) -> None:
        log_file = self._data_dir / "services.log"
        with (
            tempfile.TemporaryDirectory(prefix="movie-search-") as scratch,
            log_file.open("ab") as log,
        ):
            socket = Path(scratch) / "redis.sock"  # a socket's path must be short
            redis_dir = self._data_dir / "redis"
            redis_dir.mkdir(exist_ok=True)
            command = redis_server.server_command(
                redis_server.find_server(), data_dir=redis_dir, socket=socket
            )
            services = [Service("redis", command, os.environ, output=log)]
            environment = {
                **{
                    name: value for name, value in os.environ.items() if not name.startswith(PREFIX)
                },
                "OMP_NUM_THREADS": "1",
                "TOKENIZERS_PARALLELISM": "false",
                f"{PREFIX}REDIS_URL": redis_server.socket_url(socket),
                f"{PREFIX}DATA_DIR": str(self._data_dir),
                f"{PREFIX}SOURCES": str(self._sources),
                f"{PREFIX}DEMO_SITE_PORT": "0",
                f"{PREFIX}PUBLISH_EVERY_S": "86400",  # one snapshot, when all is encoded
            }
            services += [
                Service(name, [sys.executable, "-m", f"services.{name}"], environment, output=log)
                for name in ("embedder", "ingest")
            ]
            tasks = [asyncio.create_task(service.keep_running(self._stop)) for service in services]
            client = connect(redis_server.socket_url(socket))
            try:
                await self._answering(client, tasks)
                await self._searchable(client, tasks)
                await self._published(store, tasks)
            finally:
                self._stop.set()
                await client.aclose()
                for service in reversed(services):
                    await service.end()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _pause(self, tasks: list[asyncio.Task[None]]) -> None:
        """Wait a little; raise what a child's task raises."""
        done, _ = await asyncio.wait(tasks, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _answering(self, client: Client, tasks: list[asyncio.Task[None]]) -> None:
        deadline = time.monotonic() + REDIS_TIMEOUT_S
        while True:
            try:
                await client.ping()
            except UNAVAILABLE as error:
                if time.monotonic() > deadline:
                    raise BuildFailed(f"Redis does not answer: {error}") from error
                await self._pause(tasks)
            else:
                return

    async def _searchable(self, client: Client, tasks: list[asyncio.Task[None]]) -> None:
        try:
            run, _ = await registry.request_run(client, self._source)
        except registry.SourceBusy as busy:  # what was interrupted goes on
            found = await registry.get_run(client, busy.run_id)
            if found is None:
                raise BuildFailed(f"run {busy.run_id} is lost; remove {self._data_dir}") from busy
            run = found
        state, said = "", 0.0
        while not registry.ended(run):
            if run.state != state or time.monotonic() - said > SAY_EVERY_S:
                state, said = run.state, time.monotonic()
                self._say(f"{self._source}: {state}, {run.crawled} reviews, {run.embedded} encoded")
            await self._pause(tasks)
            run = await registry.get_run(client, run.run_id) or run
        if run.state != "searchable":
            raise BuildFailed(
                f"{self._source}: run {run.state}: {run.error}; see {self._data_dir}/services.log"
            )

    async def _published(self, store: SnapshotStore, tasks: list[asyncio.Task[None]]) -> None:
        """A run of nothing new may end before the snapshot that was asked for is there."""
        deadline = time.monotonic() + PUBLISH_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                store.current()
            except NoSnapshot:
                await self._pause(tasks)
            else:
                return
        raise BuildFailed(f"{self._source}: no snapshot; see {self._data_dir}/services.log")
