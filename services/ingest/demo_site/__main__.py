"""Runs only the demo site: ``python -m services.ingest.demo_site --host 127.0.0.1 --port 8100``."""

from __future__ import annotations

import argparse
import signal
import sys

from services.ingest.demo_site.demo_server import serve_demo_site


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; prints the URL when the site is ready."""
    parser = argparse.ArgumentParser(
        prog="python -m services.ingest.demo_site", description=__doc__
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    options = parser.parse_args()
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    # Blocked in all threads that start from here, so that only sigwait receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    try:
        with serve_demo_site(options.host, options.port) as url:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            signal.sigwait(stop_signals)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
