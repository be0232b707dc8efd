"""The settings of the query service: where it listens, its limits, and its admin token."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared.settings import CommonSettings, HttpSettings


class QuerySettings(CommonSettings, HttpSettings):
    """One query process's configuration."""

    reload_interval_s: Annotated[
        float,
        Field(
            gt=0,
            description="How often the service checks for a new snapshot. With Redis it also "
            "learns of one at once.",
        ),
    ] = 2.0
    encode_queue: Annotated[
        int,
        Field(ge=1, description="Searches that may wait in each worker; further ones get 503."),
    ] = 128
    query_cache: Annotated[
        int,
        Field(ge=0, description="Query vectors each worker caches (LRU); 0 disables the cache."),
    ] = 2048
    query_workers: Annotated[
        int,
        Field(
            ge=0,
            description="Worker processes that answer searches; they share the snapshot's memory. "
            "0: one for each CPU that the quota allows.",
        ),
    ] = 1
    request_timeout_s: Annotated[
        float, Field(gt=0, description="A search that has waited this long gets 504.")
    ] = 5.0
