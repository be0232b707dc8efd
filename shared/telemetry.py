"""Structured logs and metrics, set up once per process.

A log line on a terminal reads ``12:00:01 embedder  snapshot published  movies=132``; elsewhere it
is one JSON object. Control characters never reach the log (JSON escapes them; the console renderer
quotes values), and no query text is logged.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Literal

import orjson
import structlog
from prometheus_client import start_http_server
from structlog.typing import EventDict, WrappedLogger

from shared.settings import CommonSettings, unknown_settings

LogFormat = Literal["auto", "console", "json"]

_COLOURS = {"ingest": 36, "embedder": 35, "query": 32, "redis": 33, "local": 34}
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}


def _console(colours: bool) -> Callable[[WrappedLogger, str, EventDict], str]:
    def render(_: WrappedLogger, __: str, event: EventDict) -> str:
        service = str(event.pop("service", "-"))
        level = str(event.pop("level", "info"))
        stamp = str(event.pop("timestamp", ""))
        text = str(event.pop("event", ""))
        trace = event.pop("exception", None)
        name = f"{service:<9}"
        mark = "" if level in {"info", "debug"} else f"{level.upper()} "
        if colours:
            name = f"\x1b[{_COLOURS.get(service, 37)}m{name}\x1b[0m"
            if mark:
                mark = f"\x1b[{_LEVEL_COLOURS.get(level, 37)}m{mark}\x1b[0m"
        details = "".join(f"  {key}={_shown(value)}" for key, value in event.items())
        line = f"{stamp} {name} {mark}{text}{details}"
        return f"{line}\n{trace}" if trace else line

    return render


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()


def configure_logging(service: str, settings: CommonSettings) -> None:
    """Send the logs of structlog and of the standard library to standard error.

    Args:
        service: The service's name, a field of every line.
        settings: Its ``log_format`` and ``log_level`` are used.
    """
    console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )

    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(
            fmt="%H:%M:%S" if console else "iso", utc=not console, key="timestamp"
        ),
        structlog.processors.format_exc_info,
        add_service,
    ]
    renderer = _console(sys.stderr.isatty()) if console else _json
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("httpx", "httpcore", "sentence_transformers", "transformers", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger() -> structlog.stdlib.BoundLogger:
    """A logger; ``bind`` fields that all lines of a task should have."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()
    return logger


def warn_of_unknown_settings() -> None:
    """Log environment variables that have the settings' prefix and are no settings."""
    for problem in unknown_settings(os.environ).values():
        get_logger().warning("unknown setting", problem=problem)


def serve_metrics(settings: CommonSettings) -> None:
    """Serve the Prometheus metrics of this process on ``metrics_port``, if it is set."""
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
