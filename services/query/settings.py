"""The settings of the query service: where it listens, its limits, and its admin token."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from shared.settings import PREFIX, AbsolutePath, CommonSettings, HttpSettings

KEYS_ONLY = "0"
"""The value of ``search_rate`` that refuses requests without a key."""


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

    cors_origins: Annotated[
        str | None,
        Field(
            description="Sites whose pages may read the public API in a browser, separated by "
            "commas: `https://blog.example.org`; `*` for all. The admin API is never among it."
        ),
    ] = None
    search_keys_file: Annotated[
        AbsolutePath | None,
        Field(
            description="File of search keys, which `movie-search keys` writes. A request may "
            "send one as `Authorization: Bearer KEY` and then has the rate of the key."
        ),
    ] = None
    search_rate: Annotated[
        str | None,
        Field(
            description="How often a client without a key may use the public API: `60/minute`, "
            "or `/second`, `/hour`, `/day`. `0`: only with a key. Unset: no limit. Each worker "
            "counts alone."
        ),
    ] = None
    trusted_proxies: Annotated[
        str | None,
        Field(
            description="Addresses or networks of proxies in front of the query service, "
            "separated by commas: `10.0.0.0/8`. From these, `X-Forwarded-For` says who the client "
            "is."
        ),
    ] = None

    @field_validator("cors_origins", mode="after")
    @classmethod
    def _origins_only(cls, value: str | None) -> str | None:
        if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in listed(value)):
            raise ValueError(
                "must be origins separated by commas, such as https://blog.example.org, without a "
                "path, or *"
            )
        return value

    @field_validator("search_rate", mode="before")
    @classmethod
    def _unset_if_empty(cls, value: str | None) -> str | None:
        return value or None  # Compose passes an empty variable on

    @field_validator("search_rate", mode="after")
    @classmethod
    def _rate_only(cls, value: str | None) -> str | None:
        if value is not None and value != KEYS_ONLY and not _RATE.fullmatch(value):
            raise ValueError(
                "must be NUMBER/second, NUMBER/minute, NUMBER/hour or NUMBER/day, or 0"
            )
        return value

    @field_validator("trusted_proxies", mode="after")
    @classmethod
    def _networks_only(cls, value: str | None) -> str | None:
        for network in listed(value):
            try:
                ip_network(network, strict=False)
            except ValueError:
                raise ValueError(
                    "must be IP addresses or networks separated by commas, such as 10.0.0.0/8"
                ) from None
        return value

    @model_validator(mode="after")
    def _keys_where_they_are_needed(self) -> Self:
        if self.search_rate == KEYS_ONLY and self.search_keys_file is None:
            raise ValueError(
                f"{PREFIX}SEARCH_RATE=0 needs keys: set {PREFIX}SEARCH_KEYS_FILE, and make one "
                "with `movie-search keys add NAME`"
            )
        return self

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _names_only(cls, value: str | None) -> str | None:
        if not all(map(_NAME.fullmatch, listed(value))):
            raise ValueError("must be names separated by commas, without http:// and without ports")
        return value

    def hosts(self) -> list[str]:
        """The names in ``allowed_hosts``, and ``host``."""
        return [*listed(self.allowed_hosts), self.host]


_NAME = re.compile(r"\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_RATE = re.compile(r"[1-9][0-9]{0,8}/(?:second|minute|hour|day)")


def listed(names: str | None) -> list[str]:
    """The items of a setting that are separated by commas."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]
