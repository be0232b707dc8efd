"""Run the query service, in one process or in several workers.

``--check`` checks that a running service is alive (a container's healthcheck). Exit codes: 0
success, 1 failure with one line that says why, 2 invalid setting or argument.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import os
import signal
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from services.query.settings import QuerySettings
from shared.settings import SettingsInvalid, load_settings
from shared.system.child_process import EXIT_USAGE
from shared.system.cpu import available_threads
from shared.system.scratch import scratch_folder
from shared.telemetry import configure_logging, get_logger, warn_of_unknown_settings

if TYPE_CHECKING:
    from pathlib import Path

    from uvicorn import Server

    from services.query.serving.worker_slot import WorkerSlot

CHECK_TIMEOUT_S = 5.0
SCRATCH = "movie-search-query-"
# One thread computes a search. More threads in pools would wait for each other on busy CPUs.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the service until SIGTERM or SIGINT.

    Returns:
        The process's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m services.query", description=__doc__)
    parser.add_argument("--host", help="address to listen on (MOVIE_SEARCH_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (MOVIE_SEARCH_PORT)")
    parser.add_argument(
        "--check", action="store_true", help="check that a running service is alive: exit code 0"
    )
    options = parser.parse_args(arguments)
    try:
        settings = load_settings(QuerySettings)
        changes = {"host": options.host, "port": options.port}
        settings = settings.model_copy(
            update={key: value for key, value in changes.items() if value is not None}
        )
        return _check(settings) if options.check else _serve(settings)
    except SettingsInvalid as error:
        print(f"query: {error}", file=sys.stderr)
        return EXIT_USAGE


def _serve(settings: QuerySettings) -> int:
    os.environ.update(_ONE_THREAD)
    # Imported modules stay in memory. Collecting garbage in them takes a quarter of the time of
    # the imports.
    gc.disable()
    # Imported late, so that a healthcheck every few seconds does not load the encoder's runtime.
    # The application is imported before workers are forked: its modules are in memory once.
    from services.query import app  # noqa: F401, PLC0415
    from services.query.access.admission import Admission  # noqa: PLC0415
    from services.query.http.connections import raise_open_files  # noqa: PLC0415
    from services.query.http.prefork import Workers  # noqa: PLC0415
    from services.query.http.server import AddressUnusable, listen  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    configure_logging("query", settings)
    warn_of_unknown_settings()
    # An unusable secret is reported once, before the service listens.
    settings.read_admin_token()
    settings.read_redis_url()
    Admission.of(settings)
    try:
        listening = listen(settings.host, settings.port)
    except AddressUnusable as error:
        print(f"query: {error}", file=sys.stderr)
        return 1
    raise_open_files()
    workers = settings.query_workers or available_threads()
    with closing(listening), scratch_folder(SCRATCH) as folder:
        host, port = listening.getsockname()[:2]
        get_logger().info("listening", host=host, port=port, workers=workers)
        if workers == 1:
            code = _work(settings, listening, folder, None)
        else:
            code = Workers(
                workers, folder, lambda slot: _work(settings, listening, folder, slot)
            ).run()
    get_logger().info("stopped")
    return code


def _work(
    settings: QuerySettings, listening: socket.socket, folder: Path, slot: WorkerSlot | None
) -> int:
    from services.query.app import create_app  # noqa: PLC0415
    from services.query.http.server import make_server  # noqa: PLC0415
    from shared.snapshot.storage.verify import VerificationCache  # noqa: PLC0415

    server: Server | None = None
    is_stopping = False

    def stop(*_: object) -> None:
        # Called before uvicorn handles signals, and after it has drained and raises them again.
        nonlocal is_stopping
        is_stopping = True
        if server is not None:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    server = make_server(create_app(settings, verified=VerificationCache(folder), slot=slot))
    if is_stopping:
        return 0
    gc.collect()
    gc.freeze()  # routes stay in memory, too
    server.run(sockets=[listening])
    return 0 if server.started or is_stopping else 1


def _check(settings: QuerySettings) -> int:
    connection = http.client.HTTPConnection(
        settings.local_host, settings.port, timeout=CHECK_TIMEOUT_S
    )
    with closing(connection):
        try:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            print(f"query: not alive: {type(error).__name__}", file=sys.stderr)
            return 1
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
