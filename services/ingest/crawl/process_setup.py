"""What every process that crawls does first: follow its parent, and keep libraries quiet."""

from __future__ import annotations

import logging
import os
import signal
import threading

from services.ingest.outcome import EXIT_AGAIN
from services.ingest.settings import IngestSettings
from shared.system.child_process import die_with_parent


def end_with_parent() -> None:
    """End the process when its parent ends, in whatever way, and whatever this process is doing.

    On Linux the kernel ends it: a regular expression may hold the interpreter's lock for long, and
    then no thread runs. On other systems a thread waits for the end of standard input, of which the
    parent holds the other end; it also ends a process whose parent ended before it began.
    """

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os._exit(EXIT_AGAIN)

    die_with_parent(os.getppid(), signal.SIGKILL)
    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


def quieten_libraries(settings: IngestSettings) -> None:
    """Log of libraries only warnings, unless the service is to be debugged."""
    if settings.log_level != "debug":
        for handler in logging.getLogger().handlers:
            handler.addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    """A filter of log handlers, because Scrapy sets the levels of its loggers itself."""
    is_library = record.name.split(".")[0] in {"scrapy", "twisted", "asyncio", "filelock", "PIL"}
    return not is_library or record.levelno >= logging.WARNING
