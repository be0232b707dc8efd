"""``python -m services.query``: the query service as a process.

``--check`` asks a running one whether it is alive (a container's healthcheck). Exit codes: 0 done,
1 failed with one line that says why, 2 a setting or argument is wrong.
"""

from __future__ import annotations

import argparse
import http.client
import signal
import sys
from contextlib import closing

from shared.settings import Settings, SettingsInvalid, load_settings
from shared.telemetry import configure_logging, get_logger

CHECK_TIMEOUT_S = 5.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared


def main(arguments: list[str] | None = None) -> int:
    """Run the service until it is told to stop.

    Returns:
        The process's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m services.query", description=__doc__)
    parser.add_argument("--host", help="address to listen on (MOVIE_SEARCH_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (MOVIE_SEARCH_PORT)")
    parser.add_argument("--check", action="store_true", help="is a running one alive? 0: yes")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings()
        changes = {"host": given.host, "port": given.port}
        settings = settings.model_copy(
            update={key: value for key, value in changes.items() if value is not None}
        )
        return _check(settings) if given.check else _serve(settings)
    except SettingsInvalid as error:
        print(f"query: {error}", file=sys.stderr)
        return 2


def _serve(settings: Settings) -> int:
    # Imported late, so that a healthcheck every few seconds does not load the encoder's runtime.
    from services.query.app import create_app  # noqa: PLC0415
    from services.query.server import AddressUnusable, listen, make_server  # noqa: PLC0415

    configure_logging("query", settings)
    app = create_app(settings)
    try:
        listening = listen(settings.host, settings.port)
    except AddressUnusable as error:
        print(f"query: {error}", file=sys.stderr)
        return 1
    with closing(listening):
        host, port = listening.getsockname()[:2]
        # uvicorn raises the signal again when it has drained; a drained stop is a clean exit.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        server = make_server(app)
        get_logger().info("listening", host=host, port=port)
        server.run(sockets=[listening])
    get_logger().info("stopped")
    return 0 if server.started else 1


def _check(settings: Settings) -> int:
    host = _ANY_ADDRESS.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=CHECK_TIMEOUT_S)
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
