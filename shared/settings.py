"""Settings: environment variables with the prefix ``MOVIE_SEARCH_``, typed and documented once.

``CommonSettings`` has what every process reads; each service adds its own in
``services/<name>/settings.py``. Settings that two of them read are mixins here. A process reads its
settings once, in its ``__main__``, and passes them on: nothing is read at import time.
``docs/settings.md`` lists all of them, and a test holds the two together.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import quote, unquote, urlsplit

from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "MOVIE_SEARCH_"
MIN_TOKEN_BYTES: Final = 32

# All settings, in the order of docs/settings.md. A process knows the fields of its own settings
# only, so it is this list that tells a misspelt variable from another service's.
NAMES: Final = (
    "DATA_DIR", "REDIS_URL", "REDIS_PASSWORD_FILE", "SNAPSHOT_URL", "LEASE_DIR",
    "ENCODER_PRECISION", "LOG_FORMAT", "LOG_LEVEL", "METRICS_PORT",
    "SOURCES", "DEMO_SITE_HOST", "DEMO_SITE_PORT", "CRAWL_CONTACT", "CRAWL_TIME_LIMIT_S",
    "STREAM_HIGH", "STREAM_LOW",
    "DATABASE_URL", "ENCODER_MODEL", "ENCODER_DIM", "ENCODER_QUERY_PROMPT",
    "ENCODER_PASSAGE_PROMPT", "CATALOGUE_LANGUAGE", "ENCODER_BACKEND", "PASSAGE_TOKENS",
    "VECTOR_STORE",
    "EMBEDDERS", "ENCODE_THREADS", "PUBLISH_IDLE_S", "PUBLISH_EVERY_S", "SNAPSHOTS_KEPT",
    "CANARY_QUERIES",
    "HOST", "PORT", "RELOAD_INTERVAL_S", "ENCODE_QUEUE", "QUERY_CACHE", "QUERY_WORKERS",
    "ALLOWED_HOSTS", "CORS_ORIGINS", "SEARCH_KEYS_FILE", "SEARCH_RATE", "TRUSTED_PROXIES",
    "REQUEST_TIMEOUT_S", "ADMIN_TOKEN", "ADMIN_TOKEN_FILE",
    "URL", "SEARCH_KEY",  # of the command line
    "EMBEDDER_CPUS", "QUERY_CPUS",  # of docker-compose.yml
)  # fmt: skip

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared

Precision = Literal["auto", "f32", "bf16", "int8"]


class SettingsInvalid(ValueError):
    """Raised when a setting cannot be used; the message is one line that names it and says why."""


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _without_brackets(host: str) -> str:
    """An IPv6 address is in brackets in a URL, and without them elsewhere."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class CommonSettings(BaseSettings):
    """What every process reads. Paths are made absolute; derived defaults are filled in.

    Example::

        settings = load_settings(QuerySettings)  # from the environment, in __main__
        settings = QuerySettings(data_dir=tmp_path, reload_interval_s=0.1)  # in a test
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Annotated[
        AbsolutePath, Field(description="Folder for all data that is kept.", validate_default=True)
    ] = Path("data")
    redis_url: Annotated[
        str | None,
        Field(
            description="Redis or Valkey server, version 7 or newer. Unset: `movie-search up` "
            "starts one."
        ),
    ] = None
    redis_password_file: Annotated[
        AbsolutePath | None,
        Field(
            description="File with the password of the user in `REDIS_URL` (a mounted secret), so "
            "that the URL does not have to contain it."
        ),
    ] = None
    snapshot_url: Annotated[
        str | None,
        Field(description="Snapshot store, `file:///path`. Unset: `snapshots` in the data folder."),
    ] = None
    lease_dir: Annotated[
        AbsolutePath | None,
        Field(
            description="Folder in which the query service marks the snapshots it uses, so that "
            "the embedder does not delete them. Unset: `leases` in the data folder."
        ),
    ] = None
    encoder_precision: Annotated[
        Precision,
        Field(
            description="Arithmetic of the encoder. `auto`: int8 for queries where the CPU has "
            "VNNI and the model stays accurate; otherwise, and for reviews, bf16 where the CPU has "
            "it, else f32. `int8`: the same, and logs a warning where int8 is not possible. "
            "`bf16`, `f32`: that for everything."
        ),
    ] = "auto"
    log_format: Annotated[
        Literal["auto", "console", "json"],
        Field(description="`auto`: console on a terminal and under `movie-search up`, else JSON."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Lowest level logged.")
    ] = "info"
    metrics_port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="Port of the Prometheus metrics of ingest and the embedder; 0: none. "
            "(The query service has `/metrics`.)",
        ),
    ] = 0

    @field_validator("redis_url", mode="after")
    @classmethod
    def _redis_scheme(cls, value: str | None) -> str | None:
        if value is not None and AnyUrl(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("snapshot_url", mode="after")
    @classmethod
    def _file_scheme(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("file:///"):
            raise ValueError("must begin with file:///")
        return value

    @property
    def snapshot_dir(self) -> Path:
        """Folder of the snapshot store."""
        if self.snapshot_url is None:
            return self.data_dir / "snapshots"
        return Path(unquote(urlsplit(self.snapshot_url).path))

    @property
    def leases(self) -> Path:
        """Folder in which readers mark the snapshots they use."""
        return self.lease_dir or self.data_dir / "leases"

    def require_redis_url(self) -> str:
        """The Redis URL, for a process that cannot work without one.

        Raises:
            SettingsInvalid: None is set, or its password cannot be read.
        """
        url = self.read_redis_url()
        if url is None:
            raise SettingsInvalid(
                f"{PREFIX}REDIS_URL is not set: set it to a Redis server, or use `movie-search "
                "up`, which starts one"
            )
        return url

    def read_redis_url(self) -> str | None:
        """The Redis URL with the password of ``redis_password_file``; None when no URL is set.

        Raises:
            SettingsInvalid: The file cannot be read or is empty.
        """
        if self.redis_url is None or self.redis_password_file is None:
            return self.redis_url
        password = _read_secret(self.redis_password_file, "REDIS_PASSWORD_FILE")
        parts = urlsplit(self.redis_url)
        user_and_old, _, host = parts.netloc.rpartition("@")
        user = user_and_old.partition(":")[0]
        return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


class SourcesSettings(BaseModel):
    """Where the sources are configured: read by ingest and by the command line."""

    sources: Annotated[
        AbsolutePath | None,
        Field(
            description="Path of `sources.toml`. Unset: `sources.toml` in the working folder if it "
            "exists. The bundled source `demo` is always there."
        ),
    ] = None


class EmbeddersSettings(BaseModel):
    """How many embedders there are: read by the embedder and by `movie-search up`."""

    embedders: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Embedders that `movie-search up` starts. They share the reviews to "
            "encode, and one of them publishes.",
        ),
    ] = 1


class HttpSettings(BaseModel):
    """Where the query service listens, and its admin token: read by it and by the command line."""

    host: Annotated[
        str,
        AfterValidator(_without_brackets),
        Field(description="Address on which the query service listens."),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port of the query service.")] = 8000
    admin_token: Annotated[
        SecretStr | None,
        Field(
            description=f"Bearer token of the admin API, at least {MIN_TOKEN_BYTES} bytes. "
            "Unset: the admin API is off."
        ),
    ] = None
    admin_token_file: Annotated[
        AbsolutePath | None, Field(description="File with the admin token (a mounted secret).")
    ] = None

    @property
    def local_host(self) -> str:
        """The address at which this machine reaches the query service."""
        return _ANY_ADDRESS.get(self.host, self.host)

    @property
    def local_url(self) -> str:
        """The URL at which this machine reaches the query service."""
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}"

    def read_admin_token(self) -> bytes | None:
        """The admin token as bytes, from the file if one is named; None when the API is off.

        Raises:
            SettingsInvalid: The file cannot be read, or the token is too short or a well-known
                placeholder.
        """
        if self.admin_token_file is not None:
            token = _read_secret(self.admin_token_file, "ADMIN_TOKEN_FILE")
        elif self.admin_token is not None:
            token = self.admin_token.get_secret_value().encode()
        else:
            return None
        if len(token) < MIN_TOKEN_BYTES or len(set(token)) < 8:
            raise SettingsInvalid(
                f"the admin token is too short or too simple: use at least {MIN_TOKEN_BYTES} "
                "random bytes, e.g. `openssl rand -hex 32`"
            )
        return token


def _read_secret(path: Path, name: str) -> bytes:
    """What a file holds, without the white space around it.

    Raises:
        SettingsInvalid: It cannot be read, or holds nothing.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SettingsInvalid(f"{PREFIX}{name}: cannot read {path}: {error.strerror}") from error
    if not secret:
        raise SettingsInvalid(f"{PREFIX}{name}: {path} is empty")
    return secret


S = TypeVar("S", bound=CommonSettings)


def load_settings(kind: type[S]) -> S:
    """Read one process's settings from the environment.

    Args:
        kind: The settings of the process.

    Raises:
        SettingsInvalid: One line that names each variable that cannot be used.
    """
    try:
        return kind()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            if item["loc"]
            else item["msg"]
            for item in error.errors()
        )
        raise SettingsInvalid(problems) from error


def unknown_settings(environment: Iterable[str], known: Collection[str] = NAMES) -> dict[str, str]:
    """Variables with our prefix that no process reads, each with the setting that may be meant.

    Args:
        environment: Names of environment variables.
        known: Names of settings, without the prefix.

    Returns:
        By variable a line such as
        ``MOVIE_SEARCH_PROT is not a setting, did you mean MOVIE_SEARCH_PORT?``.
    """
    lines = {}
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if not variable.startswith(PREFIX) or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        hint = f", did you mean {PREFIX}{close[0]}?" if close else ": see docs/settings.md"
        lines[variable] = f"{variable} is not a setting{hint}"
    return lines
