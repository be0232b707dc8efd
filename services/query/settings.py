"""The settings of the query service: where it listens, its limits, and its admin token."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

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
    allowed_hosts: Annotated[
        str | None,
        Field(
            description="Names under which clients reach the query service, separated by commas: "
            "`movies.example.org`, `*.example.org` for all names below it, `*` for any. IP "
            "addresses, `localhost`, `HOST` and the name of the machine are always allowed; "
            "requests for other names get 421."
        ),
    ] = None
    request_timeout_s: Annotated[
        float, Field(gt=0, description="A search that has waited this long gets 504.")
    ] = 5.0

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _names_only(cls, value: str | None) -> str | None:
        if not all(map(_NAME.fullmatch, _names(value))):
            raise ValueError("must be names separated by commas, without http:// and without ports")
        return value

    def hosts(self) -> list[str]:
        """The names in ``allowed_hosts``, and ``host``."""
        return [*_names(self.allowed_hosts), self.host]


_NAME = re.compile(r"\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")


def _names(listed: str | None) -> list[str]:
    return [name.strip() for name in (listed or "").split(",") if name.strip()]
