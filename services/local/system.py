"""The whole system on one machine, without Docker: ``movie-search up``.

One foreground process starts Redis (embedded, unless one is configured) and the three services as
children, and watches them: a child that ends is started again with backoff; Ctrl-C or SIGTERM
stops all of them in the order in which nothing is lost, and a supervisor that is killed takes its
children with it. The first time, the chosen source is crawled; a source that has become searchable
once is not crawled again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from services.local import redis_server
from services.local.processes import CannotStart, Service
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import wait_for
from shared.runs import registry
from shared.settings import PREFIX, Settings
from shared.telemetry import get_logger

TOKEN_FILE = "admin-token"  # noqa: S105 - the name of a file


@contextlib.contextmanager
def prepared(settings: Settings) -> Iterator[None]:
    """Check, in one line each, what would stop the system later; hold the data folder.

    Raises:
        CannotStart: the data folder cannot be written, another system uses it, or the port is
            taken.
    """
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise CannotStart(
            f"cannot write to the data folder {folder}: {error.strerror}; "
            "choose another with --data-dir"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"another movie-search is using {folder}; stop it, or choose another --data-dir"
            ) from error
        _check_port(settings.host, settings.port)
        yield


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"port {port} on {host} cannot be used ({error.strerror}); "
                "choose another with --port"
            ) from error


def ensure_admin_token(folder: Path) -> Path:
    """The file with this machine's own admin token, made the first time, for its owner only."""
    path = folder / TOKEN_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(32))
    return path


class LocalSystem:
    """Redis and the three services as children of this process."""

    def __init__(self, settings: Settings, *, source: str, crawl: bool) -> None:
        self._settings = settings
        self._source = source
        self._crawl = crawl
        self._stop = asyncio.Event()
        self._scratch = Path(tempfile.mkdtemp(prefix="movie-search-"))

    async def run(self) -> None:
        """Run until Ctrl-C or SIGTERM.

        Raises:
            CannotStart: a part of the system cannot be started at all.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        services: list[Service] = []
        tasks: list[asyncio.Task[None]] = []
        try:
            redis_url = self._settings.read_redis_url()
            if redis_url is None:
                redis_service, redis_url = self._embedded_redis()
                services.append(redis_service)
                tasks.append(asyncio.create_task(redis_service.keep_running(self._stop)))
            client = connect(redis_url)
            await self._wait_for_redis(client, tasks)
            for name in (*["embedder"] * self._settings.embedders, "ingest", "query"):
                services.append(self._service(name, redis_url))
                tasks.append(asyncio.create_task(services[-1].keep_running(self._stop)))
            tasks.append(asyncio.create_task(self._greet(client)))
            await self._watch(tasks)
            await client.aclose()
        finally:
            self._stop.set()
            get_logger().info("stopping")
            for service in reversed(services):
                await service.end()
            await asyncio.gather(*tasks, return_exceptions=True)
            shutil.rmtree(self._scratch, ignore_errors=True)
            get_logger().info("stopped")

    async def _watch(self, tasks: list[asyncio.Task[None]]) -> None:
        """Return when asked to stop; raise what a task raises."""
        stopping = asyncio.create_task(self._wait_for_stop())
        pending: set[asyncio.Task[None]] = {stopping, *tasks}
        while stopping in pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            try:
                for task in done:
                    task.result()
            except BaseException:
                stopping.cancel()
                raise

    async def _wait_for_stop(self) -> None:
        await self._stop.wait()

    def _embedded_redis(self) -> tuple[Service, str]:
        folder = self._settings.data_dir / "redis"
        folder.mkdir(parents=True, exist_ok=True)
        # A socket's path may have 107 bytes at most, so it cannot lie in the data folder.
        path = self._scratch / "redis.sock"
        try:
            binary = redis_server.find_server()
        except redis_server.RedisServerMissing as error:
            raise CannotStart(str(error)) from error
        log = (folder / "server.log").open("ab")
        command = redis_server.server_command(binary, data_dir=folder, socket=path)
        get_logger().info("starting redis", server=str(binary), log=str(folder / "server.log"))
        return Service("redis", command, os.environ, output=log), redis_server.socket_url(path)

    async def _wait_for_redis(self, client: Client, tasks: list[asyncio.Task[None]]) -> None:
        deadline = time.monotonic() + 60
        while not self._stop.is_set():
            for task in tasks:
                if task.done():
                    task.result()
            try:
                await client.ping()
            except UNAVAILABLE as error:
                if time.monotonic() > deadline:
                    raise CannotStart(f"Redis does not answer: {error}") from error
                await wait_for(self._stop, 0.1)
            else:
                return

    def _service(self, name: str, redis_url: str) -> Service:
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            f"{PREFIX}REDIS_URL": redis_url,
            f"{PREFIX}DATA_DIR": str(self._settings.data_dir),
            f"{PREFIX}HOST": self._settings.host,
            f"{PREFIX}PORT": str(self._settings.port),
        }
        if self._settings.sources is not None:
            environment[f"{PREFIX}SOURCES"] = str(self._settings.sources)
        if self._settings.log_format == "auto":
            environment[f"{PREFIX}LOG_FORMAT"] = "console"
        if self._settings.admin_token is None and self._settings.admin_token_file is None:
            token_file = ensure_admin_token(self._settings.data_dir)
            environment[f"{PREFIX}ADMIN_TOKEN_FILE"] = str(token_file)
        return Service(name, [sys.executable, "-m", f"services.{name}"], environment)

    async def _greet(self, client: Client) -> None:
        """Crawl the source if it never was, show progress, and say when and where to search."""
        run = await self._request_crawl(client) if self._crawl else None
        shown = ""
        greeted = False
        while not self._stop.is_set():
            if run is not None:
                run, shown = await self._show_progress(client, run, shown)
            if not greeted and (run is None or registry.ended(run)):
                greeted = await asyncio.to_thread(self._ready)
                if greeted:
                    self._say_where()
            if greeted and run is None:
                return
            if run is not None and registry.ended(run):
                run = None
            await wait_for(self._stop, 0.5)

    async def _request_crawl(self, client: Client) -> registry.Run | None:
        while not self._stop.is_set():
            try:
                for run in await registry.list_runs(client, limit=1000):
                    if run.source == self._source and run.state == "searchable":
                        return None
                    if run.source == self._source and not registry.ended(run):
                        return run
                run, _ = await registry.request_run(client, self._source)
            except registry.SourceBusy:
                continue  # its schedule was quicker: follow that run
            except UNAVAILABLE:
                await wait_for(self._stop, 0.5)
            else:
                return run
        return None

    async def _show_progress(
        self, client: Client, run: registry.Run, shown: str
    ) -> tuple[registry.Run, str]:
        try:
            run = await registry.get_run(client, run.run_id) or run
        except UNAVAILABLE:
            return run, shown
        text = f"{run.state} {run.movies // 20} {run.embedded // 100}"
        if text != shown:
            level = "error" if run.state in {"failed", "incomplete"} else "info"
            getattr(get_logger(), level)(
                f"{run.source}: {run.state}",
                movies=run.movies,
                reviews=run.crawled,
                stored=run.stored,
                encoded=run.embedded,
                **({"reason": run.error} if run.error else {}),
            )
        return run, text

    def _ready(self) -> bool:
        try:
            answer = httpx.get(f"{self._url()}/readyz", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def _url(self) -> str:
        host = self._settings.host
        shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - only compared
        return f"http://{shown}:{self._settings.port}"

    def _say_where(self) -> None:
        url = self._url().replace("127.0.0.1", "localhost")
        query = "relaxing and funny, maybe a period piece"
        link = f"{url}/search?{httpx.QueryParams(q=query)}"
        lines = (
            "",
            "  Ready.",
            f"  Page        {url}",
            f"  API         {url}/docs",
            f'  Search      movie-search search "{query}"',
            f"              curl '{link}'",
            "  Stop        Ctrl-C",
            "",
        )
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()


def run_local(settings: Settings, *, source: str, crawl: bool) -> None:
    """Run the whole system until it is stopped.

    Raises:
        CannotStart: with one line that says why and what to do.
    """
    with prepared(settings):
        asyncio.run(LocalSystem(settings, source=source, crawl=crawl).run())
