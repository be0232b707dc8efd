"""The whole system in the foreground, without Docker: ``movie-search up``.

Ctrl-C or SIGTERM stops it. At the first start the chosen source is crawled; a source that has
become searchable once is not crawled again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx

from services.local.data_folder import ensure_admin_token, locked_data_folder
from services.local.processes import CannotStart
from services.local.settings import LocalSettings
from services.local.system import LocalSystem
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.runs import registry
from shared.settings import PREFIX, unknown_settings
from shared.system.retry import Backoff, retry
from shared.telemetry import get_logger

POLL_S = 0.5
OWNER_ONLY = 0o077  # umask: what is made is for its owner


def run_local(settings: LocalSettings, *, source: str, crawl: bool) -> None:
    """Run the whole system until it is stopped.

    Args:
        settings: The settings of this machine's system.
        source: Name of the source to crawl at the first start.
        crawl: Whether to crawl it.

    Raises:
        CannotStart: with one line that says why and what to do.
    """
    os.umask(OWNER_ONLY)  # for the services, too: the data folder holds reviews and secrets
    with locked_data_folder(settings.data_dir):
        _check_port(settings.host, settings.port)
        asyncio.run(_run(settings, source if crawl else None))


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotStart(
            f"port {port} on {host} cannot be used ({error.strerror}); choose another with --port, "
            f"another address with {PREFIX}HOST"
        ) from error


async def _run(settings: LocalSettings, source: str | None) -> None:
    log = get_logger()
    system = LocalSystem(
        [*["embedder"] * settings.embedders, "ingest", "query"],
        data_dir=settings.data_dir,
        environment=_environment(settings),
        redis_url=settings.read_redis_url(),
    )
    if isinstance(system.redis, Path):
        log.info("starting redis", server=str(system.redis), log=str(system.redis_log))

    def stop() -> None:
        log.info("stopping")
        system.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await system.run(_Greeting(settings, source).run)
    log.info("stopped")


def _environment(settings: LocalSettings) -> dict[str, str]:
    """Environment variables of the services: this process's, and what the command line changed."""
    unknown = unknown_settings(os.environ)
    environment = {
        # An unknown setting has been named already, and need not be named by every service.
        **{name: os.environ[name] for name in os.environ if name not in unknown},
        f"{PREFIX}HOST": settings.host,
        f"{PREFIX}PORT": str(settings.port),
    }
    if settings.sources is not None:
        environment[f"{PREFIX}SOURCES"] = str(settings.sources)
    if settings.log_format == "auto":
        environment[f"{PREFIX}LOG_FORMAT"] = "console"
    if settings.admin_token is None and settings.admin_token_file is None:
        environment[f"{PREFIX}ADMIN_TOKEN_FILE"] = str(ensure_admin_token(settings.data_dir))
    return environment


class _Greeting:
    """The first crawl and its progress, then where to search."""

    def __init__(self, settings: LocalSettings, source: str | None) -> None:
        self._settings = settings
        self._source = source

    async def run(self, client: Client) -> None:
        """Crawl, greet when the system is ready, and wait until this task is cancelled."""
        run = None if self._source is None else await _request_crawl(client, self._source)
        shown, crawled = "", ""
        greeted = has_address = False
        while run is not None or not greeted:
            if not has_address:
                has_address = await asyncio.to_thread(self._answers)
                if has_address:
                    self._show_page()
            if run is not None:
                run, shown = await _show_progress(client, run, shown)
                crawled = run.snapshot_id or ""
                run = None if registry.ended(run) else run
            if run is None and not greeted:
                greeted = await asyncio.to_thread(self._serves, crawled)
                if greeted:
                    self._show_addresses()
            await asyncio.sleep(POLL_S)
        await asyncio.Event().wait()

    def _answers(self) -> bool:
        """Whether the query service answers, though it may have nothing to search yet."""
        return self._ask("/livez") is not None

    def _serves(self, snapshot_id: str) -> bool:
        """Whether searches get this snapshot or a newer one; ids sort by age.

        While a crawl goes on, earlier ones may be served that have only a part of it.
        """
        answer = self._ask("/snapshot")
        if answer is None or answer.status_code != httpx.codes.OK:
            return False
        return str(answer.json()["snapshot_id"]) >= snapshot_id

    def _ask(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(f"{self._settings.local_url}{path}", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return None

    @property
    def _url(self) -> str:
        return self._settings.local_url.replace("127.0.0.1", "localhost")

    def _show_page(self) -> None:
        """Say where the page is, also if there will never be anything to search."""
        get_logger().info("page available", url=self._url)

    def _show_addresses(self) -> None:
        url = self._url
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


async def _request_crawl(client: Client, source: str) -> registry.Run | None:
    """The run of the first crawl; None when the source has become searchable once."""

    async def request() -> registry.Run | None:
        for run in await registry.list_runs(client, limit=1000):
            if run.source == source and run.state == "searchable":
                return None
            if run.source == source and not registry.ended(run):
                return run
        run, _ = await registry.request_run(client, source)
        return run

    # Busy means that the schedule has just requested a run: the next call returns that one.
    retryable = (*UNAVAILABLE, registry.SourceBusy)
    return await retry(request, on=retryable, backoff=Backoff(POLL_S, POLL_S))


async def _show_progress(client: Client, run: registry.Run, shown: str) -> tuple[registry.Run, str]:
    """Log a run's progress if it has changed; returns its record and what was logged of it."""
    try:
        run = await registry.get_run(client, run.run_id) or run
    except UNAVAILABLE:
        return run, shown
    progress = f"{run.state} {run.movies // 20} {run.embedded // 100}"
    if progress != shown:
        counts = {
            "source": run.source, "state": run.state, "movies": run.movies, "reviews": run.crawled,
            "stored": run.stored, "encoded": run.embedded,
        }  # fmt: skip
        if run.state in {"failed", "incomplete"}:
            get_logger().error("first crawl failed", **counts, reason=run.error)
        else:
            get_logger().info("first crawl", **counts)
    return run, progress
