"""The metrics of ``/metrics``.

Each application has its own registry, so that several applications can run in one process.

Several workers keep their values in files of a shared folder (Prometheus's multiprocess mode), and
each of them answers for all: counters and times are summed, ``degraded`` is the maximum,
``snapshot_sequence`` and ``movies`` are the minimum. The files are named by the worker's slot, so
that a replacement continues the counters. Memory and CPU time are separate for each worker.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from services.query.serving.worker_slot import WorkerSlot

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The query service's metrics."""

    def __init__(self, slot: WorkerSlot | None = None) -> None:
        """Register the metrics.

        Args:
            slot: The slot of this process; None when it is the only one.
        """
        self.registry = registry = CollectorRegistry()
        self._shared = slot.folder / "metrics" if slot is not None else None
        if slot is not None and self._shared is not None:
            _share(self._shared, slot.number)
        else:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)
        self.requests = Counter(
            "movie_search_http_requests_total",
            "HTTP requests by method, route and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.request_s = Histogram(
            "movie_search_http_request_seconds",
            "Time from the arrival of a request to the end of its response.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_wait_s = Histogram(
            "movie_search_queue_wait_seconds",
            "Time that a search waited in the queue.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.waiting = Gauge(
            "movie_search_waiting",
            "Searches that wait in the queue.",
            registry=registry,
            multiprocess_mode="sum",
        )
        self.encode_s = Histogram(
            "movie_search_encode_seconds",
            "Time to encode the batch of a search.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch_size = Histogram(
            "movie_search_batch_size",
            "Number of searches in a batch.",
            buckets=(1, 2, 4, 8, 16),
            registry=registry,
        )
        self.query_vectors = Counter(
            "movie_search_query_vectors_total",
            "Query vectors by outcome: encoded, or remembered in the cache.",
            ("outcome",),
            registry=registry,
        )
        self.refused = Counter(
            "movie_search_refused_total",
            "Searches refused by reason: overloaded (queue full), late (waited too long) or gone "
            "(their client closed the connection).",
            ("reason",),
            registry=registry,
        )
        self.connections = Gauge(
            "movie_search_connections",
            "Open connections of clients.",
            registry=registry,
            multiprocess_mode="sum",
        )
        self.connections_refused = Counter(
            "movie_search_connections_refused_total",
            "Connections refused because their client had its share of the connections.",
            registry=registry,
        )
        self.reloads = Counter(
            "movie_search_reloads_total",
            "Attempts to load a snapshot, by outcome.",
            ("outcome",),
            registry=registry,
        )
        self.load_s = Histogram(
            "movie_search_load_seconds",
            "Time to verify, open and warm up a snapshot.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=registry,
        )
        self.degraded = Gauge(
            "movie_search_degraded",
            "1 while the newest snapshot cannot be served, otherwise 0.",
            registry=registry,
            multiprocess_mode="max",
        )
        self.serving = Gauge(
            "movie_search_snapshot_sequence",
            "Sequence number of the snapshot being served; 0 when there is none.",
            registry=registry,
            multiprocess_mode="min",
        )
        self.movies = Gauge(
            "movie_search_movies",
            "Number of movies in the snapshot being served.",
            registry=registry,
            multiprocess_mode="min",
        )

    def exposition(self) -> bytes:
        """Render the metrics of all workers in Prometheus's text format."""
        if self._shared is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._shared))  # type: ignore[no-untyped-call]
        registry.register(_Processes(self._shared))
        return generate_latest(registry)


def _share(folder: Path, number: int) -> None:
    """Keep the metrics that this process makes after this call in the shared folder."""
    folder.mkdir(exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    (folder / f"{number}.pid").write_text(str(os.getpid()))


class _Processes:
    """Collects the CPU time and memory of each worker from ``/proc``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; a worker that has just ended is left out."""
        cpu = CounterMetricFamily(
            "movie_search_worker_cpu_seconds", "CPU time of a worker process.", labels=["worker"]
        )
        memory = GaugeMetricFamily(
            "movie_search_worker_resident_memory_bytes",
            "Resident memory of a worker process, including memory shared with other workers.",
            labels=["worker"],
        )
        ticks, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        for path in sorted(self._folder.glob("*.pid")):
            try:
                fields = Path(f"/proc/{path.read_text()}/stat").read_text().rpartition(")")[2]
            except OSError:
                continue
            stat = fields.split()  # begins with the third field of proc(5)
            cpu.add_metric([path.stem], (int(stat[11]) + int(stat[12])) / ticks)
            memory.add_metric([path.stem], int(stat[21]) * page_bytes)
        yield cpu
        yield memory
