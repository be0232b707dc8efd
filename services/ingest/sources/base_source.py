"""What the sources of every kind have in common, and the limits of those that are web sites."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.delivery.messages import MAX_TRUST, SourceName

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(value: object) -> object:
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a duration such as "90s", "30m", "24h" or "7d"')
    return int(match.group(1)) * _UNITS_S[match.group(2)]


Duration = Annotated[int, BeforeValidator(_seconds)]
StrictInt = Annotated[int, Field(strict=True)]
StrictBool = Annotated[bool, Field(strict=True)]


def _host(name: str) -> str:
    try:
        parts = urlsplit(f"//{name}")
        is_host = parts.netloc == name and bool(parts.hostname) and "@" not in name
        _ = parts.port
    except ValueError:
        is_host = False
    if not is_host:
        raise ValueError('must be a host such as "images.example" or "images.example:8080"')
    return name.lower()


HostName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_host)]


class BaseSource(BaseModel):
    """The fields of every source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: SourceName
    reviews_per_movie: Annotated[
        StrictInt,
        Field(ge=0, le=10_000, description="Maximum number of reviews per movie; 0 keeps all."),
    ] = 0
    every_s: Annotated[
        Duration | None,
        Field(alias="every", description="Time between two crawls."),
    ] = None
    time_limit_s: Annotated[
        Duration | None,
        Field(
            alias="time_limit",
            description="Maximum duration of a crawl; default: `MOVIE_SEARCH_CRAWL_TIME_LIMIT_S`.",
        ),
    ] = None

    trust: Annotated[
        StrictInt,
        Field(
            ge=-MAX_TRUST,
            le=MAX_TRUST,
            description="Of two sources of one movie, the one with more is believed.",
        ),
    ] = 0
    posters: Annotated[
        StrictBool,
        Field(description="Whether posters are fetched and shown; the source's terms must allow."),
    ] = False
    poster_hosts: Annotated[
        tuple[HostName, ...],
        Field(max_length=50, description="Further hosts from which posters may be fetched."),
    ] = ()

    @model_validator(mode="after")
    def _has_image_hosts(self) -> Self:
        if self.posters and not self.image_hosts:
            raise ValueError("posters needs poster_hosts: from which hosts may they be fetched?")
        return self

    @property
    def image_hosts(self) -> frozenset[str]:
        """The hosts from which posters may be fetched: ``host`` or ``host:port``."""
        return frozenset(self.poster_hosts)


class WebSource(BaseSource):
    """The limits of every source that is a web site."""

    allow_private: Annotated[
        StrictBool, Field(description="Whether the site may have a private or loopback address.")
    ] = False
    delay_s: Annotated[
        float,
        Field(
            ge=0.01,
            le=300,
            strict=True,
            allow_inf_nan=False,
            description="Minimum pause between two requests, in seconds.",
        ),
    ] = 1.0
    max_pages: Annotated[
        StrictInt, Field(ge=1, le=10_000_000, description="Maximum number of pages per crawl.")
    ] = 50_000
    max_depth: Annotated[
        StrictInt,
        Field(ge=1, le=10_000, description="Maximum number of links from a start page to a page."),
    ] = 500  # pages may follow one another by "next" links
    max_bytes: Annotated[
        StrictInt,
        Field(
            ge=1, le=2**50, description="Maximum size of all pages of a crawl together, in bytes."
        ),
    ] = 2 * 2**30

    @property
    @abstractmethod
    def hosts(self) -> frozenset[str]:
        """The hosts that the crawl may visit: ``host`` or ``host:port``."""

    @property
    def image_hosts(self) -> frozenset[str]:
        """The hosts from which posters may be fetched: the site's own, and those that are named."""
        return self.hosts | super().image_hosts


def require_host(url: str) -> None:
    """Check that an address names a host, and no user.

    Raises:
        ValueError: it does not.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.password:
        raise ValueError("the URL must contain a host, and no user or password")


def site_address(url: str) -> str:
    """The address of a site or of an interface, without a final slash.

    Raises:
        ValueError: it names no host, or has a query.
    """
    require_host(url)
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("must be the address of a site, without query and fragment")
    return url.rstrip("/")
