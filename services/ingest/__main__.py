"""The ingest service: ``python -m services.ingest``; ``--check`` is its health check.

Connects the parts: settings, sources, the ingest folder, the demo site, the consumer of commands,
and the supervisor of runs. SIGTERM and Ctrl-C stop the crawls without ending their runs; the runs
continue at the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from services.ingest.demo_site.demo_server import serve_demo_site
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import SourceInvalid, load_sources
from services.ingest.supervisor.folder import FolderUnusable, claim_folder, tidy
from services.ingest.supervisor.supervisor import Supervisor
from services.ingest.visits.visits_file import finished_pages
from shared.delivery import heartbeats
from shared.delivery.keys import COMMANDS_STREAM, DEAD_COMMANDS_STREAM, INGEST_GROUP
from shared.delivery.redis_check import RedisUnusable, wait_for_redis
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.delivery.streams import Entry, StreamConsumer
from shared.settings import SettingsInvalid, load_settings
from shared.system.child_process import EXIT_USAGE
from shared.system.retry import wait_for
from shared.telemetry import configure_logging, get_logger, serve_metrics, warn_of_unknown_settings

CHECK_TIMEOUT_S = 5.0
TIDY_EVERY_S = 3600.0


async def serve(settings: IngestSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SourceInvalid: a source is not valid.
        SettingsInvalid: no Redis URL is configured.
        FolderUnusable: the ingest folder cannot be written, or another service uses it.
        RedisUnusable: Redis cannot do the work, and waiting would not help.
        OSError: the demo site cannot listen on any port.
    """
    url = settings.require_redis_url()
    load_sources(settings)  # reports a mistake in the file before anything is started
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with claim_folder(settings.ingest_dir) as holder:
        with contextlib.suppress(*UNAVAILABLE):  # the service stops before Redis is available
            await wait_for_redis(url, stop=stop)
        await _serve_as(holder, settings, stop)
    get_logger().info("stopped")


async def _serve_as(holder: str, settings: IngestSettings, stop: asyncio.Event) -> None:
    url = settings.require_redis_url()
    redis = connect(url)
    try:
        with serve_demo_site(settings.demo_site_host, settings.demo_site_port) as demo_url:
            sources = load_sources(settings, demo_url=demo_url)
            supervisor = Supervisor(
                redis,
                sources,
                demo_url,
                settings.crawl_time_limit_s,
                holder=holder,
                finished_pages=lambda run: finished_pages(
                    settings.ingest_dir / run.source, run.run_id
                ),
            )
            consumer = StreamConsumer(
                url=url,
                stream=COMMANDS_STREAM,
                group=INGEST_GROUP,
                name=socket.gethostname(),
                handle=supervisor.handle,
                on_dead=_log_refused,
                dead_stream=DEAD_COMMANDS_STREAM,
            )
            get_logger().info("ready", sources=sorted(sources), demo_site=demo_url)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(consumer.run(stop))
                tasks.create_task(supervisor.run(stop))
                tasks.create_task(_keep_tidy(settings.ingest_dir, sources, stop))
    finally:
        await redis.aclose()


async def check(settings: IngestSettings) -> bool:
    """Whether Redis answers and this host's ingest service has sent a recent heartbeat."""
    redis = connect(settings.require_redis_url())
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await heartbeats.is_alive_here(redis, "ingest")
    except (TimeoutError, *UNAVAILABLE):
        return False
    finally:
        await redis.aclose()


async def _keep_tidy(folder: Path, sources: Collection[str], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await asyncio.to_thread(tidy, folder, sources)
        except OSError as error:
            get_logger().warning("ingest folder cleanup failed", error=str(error))
        await wait_for(stop, TIDY_EVERY_S)


async def _log_refused(entry: Entry, reason: str) -> None:
    get_logger().error("command refused", entry=entry.entry_id, reason=reason)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the service; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.ingest", description=__doc__)
    parser.add_argument("--check", action="store_true", help="healthcheck: exit 0 when alive")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings(IngestSettings)
        if options.check:
            return 0 if asyncio.run(check(settings)) else 1
        configure_logging("ingest", settings)
        warn_of_unknown_settings()
        serve_metrics(settings)
        asyncio.run(serve(settings))
    except (SettingsInvalid, SourceInvalid) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    except (FolderUnusable, RedisUnusable, OSError) as error:
        sys.stderr.write(f"ingest cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
