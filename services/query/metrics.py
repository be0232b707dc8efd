"""What `/metrics` tells.

Each application has its own registry, so that several can live in one process.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The query service's metrics."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter(
            "movie_search_http_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.request_s = Histogram(
            "movie_search_http_request_seconds",
            "Time to answer a request.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_wait_s = Histogram(
            "movie_search_queue_wait_seconds",
            "Time a search waited for its turn.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.encode_s = Histogram(
            "movie_search_encode_seconds",
            "Time to encode a search's batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch_size = Histogram(
            "movie_search_batch_size",
            "Searches computed together.",
            buckets=(1, 2, 4, 8, 16),
            registry=registry,
        )
        self.refused = Counter(
            "movie_search_refused_total",
            "Searches not computed: the queue was full, or their turn came too late.",
            ("reason",),
            registry=registry,
        )
        self.reloads = Counter(
            "movie_search_reloads_total",
            "Attempts to load a snapshot.",
            ("outcome",),
            registry=registry,
        )
        self.load_s = Histogram(
            "movie_search_load_seconds",
            "Time to verify, open and warm a snapshot.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=registry,
        )
        self.degraded = Gauge(
            "movie_search_degraded",
            "1 while the newest snapshot cannot be served.",
            registry=registry,
        )
        self.serving = Gauge(
            "movie_search_snapshot_sequence",
            "Number of the snapshot being served; 0: none.",
            registry=registry,
        )
        self.movies = Gauge(
            "movie_search_movies", "Movies in the snapshot being served.", registry=registry
        )
