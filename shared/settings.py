"""Every setting of the system, typed and documented once.

All settings come from environment variables with the prefix ``MOVIE_SEARCH_``; ``docs/settings.md``
lists them and a test holds the two together. A process reads them once, in its ``__main__``, and
passes them on: nothing is read at import time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import AnyUrl, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MOVIE_SEARCH_"
MIN_TOKEN_BYTES = 32

Precision = Literal["auto", "f32", "bf16", "int8"]


class SettingsInvalid(ValueError):
    """The environment holds a setting that cannot be used; the message says which and why."""


class Settings(BaseSettings):
    """One process's configuration. Paths are made absolute; derived defaults are filled in."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    # Where things are
    data_dir: Annotated[Path, Field(description="Folder for everything that is kept.")] = Path(
        "data"
    )
    redis_url: Annotated[
        str | None,
        Field(description="Redis or Valkey server >= 7. Absent: an embedded server is started."),
    ] = None
    redis_password_file: Annotated[
        Path | None,
        Field(
            description="File that holds the password of `REDIS_URL`'s user (a mounted secret), "
            "so that the URL need not."
        ),
    ] = None
    database_url: Annotated[
        str | None,
        Field(
            description="The embedder's database, `sqlite:///...` or `postgresql+psycopg://...`. "
            "Absent: SQLite in the data folder."
        ),
    ] = None
    snapshot_url: Annotated[
        str | None,
        Field(
            description="Snapshot store, `file:///path`. Absent: `snapshots` in the data folder."
        ),
    ] = None
    lease_dir: Annotated[
        Path | None,
        Field(
            description="Folder in which readers mark the snapshots they hold; written by the "
            "query service, and by the embedder, which clears away expired marks. "
            "Absent: `leases` in the data folder."
        ),
    ] = None
    sources: Annotated[
        Path | None,
        Field(
            description="`sources.toml`. Absent: `sources.toml` in the working folder if there "
            "is one, and always the bundled `demo`."
        ),
    ] = None

    # Encoder
    encoder_model: Annotated[
        str,
        Field(
            description="A folder with a sentence-transformers model, a name that "
            "sentence-transformers can load, or `all-MiniLM-L6-v2` for the bundled one."
        ),
    ] = "all-MiniLM-L6-v2"
    encoder_backend: Annotated[
        Literal["openvino", "torch"],
        Field(
            description="What encodes passages in the embedder: the converted graph, or "
            "sentence-transformers (the reference; uses a GPU when there is one). Queries always "
            "use the graph."
        ),
    ] = "openvino"
    encoder_precision: Annotated[
        Precision,
        Field(
            description="Arithmetic of the graphs. `auto`: bf16 where the CPU has it; elsewhere "
            "queries in int8 where the CPU has VNNI and the model bears it, and f32. `int8`: "
            "queries in it also beside bf16; says when it cannot be had."
        ),
    ] = "auto"
    passage_tokens: Annotated[
        int, Field(ge=16, le=512, description="Longest passage, in word pieces.")
    ] = 64
    vector_store: Annotated[
        Literal["faiss"], Field(description="Index of the pooled vectors (`IndexFlatIP`).")
    ] = "faiss"

    # Ingest
    demo_site_host: Annotated[
        str, Field(description="Address on which ingest serves the bundled demo site.")
    ] = "127.0.0.1"
    demo_site_port: Annotated[
        int, Field(ge=0, le=65535, description="Port of the demo site; 0 takes a free one.")
    ] = 8100
    crawl_contact: Annotated[
        str | None,
        Field(
            description="URL or address that the crawler's User-Agent names as its operator. "
            "Without one only private sites and files are crawled."
        ),
    ] = None
    crawl_time_limit_s: Annotated[
        int, Field(ge=1, description="Wall limit of one crawl; its process is ended after it.")
    ] = 6 * 3600
    stream_high: Annotated[
        int, Field(ge=1, description="Stream length at which a crawl pauses.")
    ] = 10_000
    stream_low: Annotated[
        int, Field(ge=0, description="Stream length at which a paused crawl goes on.")
    ] = 5_000

    # Embedder
    embedders: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Embedders that `movie-search up` starts. They share the reviews to "
            "encode, and one of them publishes.",
        ),
    ] = 1
    encode_threads: Annotated[
        int,
        Field(
            ge=0,
            description="Threads for bulk encoding of each embedder; 0: what the CPU quota allows, "
            "divided by `EMBEDDERS`.",
        ),
    ] = 0
    publish_idle_s: Annotated[
        float, Field(gt=0, description="Publish when nothing has changed for this long.")
    ] = 1.0
    publish_every_s: Annotated[
        float, Field(gt=0, description="Publish at least this often while changes flow.")
    ] = 30.0
    snapshots_kept: Annotated[
        int, Field(ge=3, description="How many snapshots retention keeps.")
    ] = 5
    canary_queries: Annotated[
        Path | None,
        Field(
            description="Folder of judged queries in BEIR's layout, with a `floors.toml`: a "
            "snapshot that misses a floor is published but not made current. Absent: no such gate."
        ),
    ] = None

    # Query
    host: Annotated[str, Field(description="Address the query service listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port of the query service.")] = 8000
    reload_interval_s: Annotated[
        float, Field(gt=0, description="How often `CURRENT` is looked at.")
    ] = 2.0
    encode_queue: Annotated[
        int, Field(ge=1, description="Searches that may wait for a worker's encoder before 503.")
    ] = 128
    query_cache: Annotated[
        int,
        Field(
            ge=0,
            description="Of how many of the latest queries a worker keeps the vectors, so that one "
            "asked again is not encoded again.",
        ),
    ] = 2048
    query_workers: Annotated[
        int,
        Field(
            ge=0,
            description="Processes that answer searches; they share the snapshot's memory. 0: one "
            "for each CPU that the quota allows.",
        ),
    ] = 1
    request_timeout_s: Annotated[
        float, Field(gt=0, description="A search not begun after this long is answered 504.")
    ] = 5.0
    admin_token: Annotated[
        SecretStr | None,
        Field(
            description=f"Bearer token of the admin API, at least {MIN_TOKEN_BYTES} bytes. "
            "Absent: the admin API is off."
        ),
    ] = None
    admin_token_file: Annotated[
        Path | None, Field(description="File that holds the admin token (a mounted secret).")
    ] = None

    # Telemetry
    log_format: Annotated[
        Literal["auto", "console", "json"],
        Field(description="`auto`: console on a terminal or under `movie-search up`, else JSON."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level logged.")
    ] = "info"
    metrics_port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="Port for the Prometheus metrics of ingest and embedder; 0: none. "
            "(The query service has `/metrics`.)",
        ),
    ] = 0

    @field_validator(
        "data_dir", "lease_dir", "sources", "admin_token_file", "redis_password_file", mode="after"
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

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

    @model_validator(mode="after")
    def _levels(self) -> Self:
        if self.stream_low >= self.stream_high:
            raise ValueError("STREAM_LOW must be less than STREAM_HIGH")
        return self

    @property
    def snapshot_dir(self) -> Path:
        """Folder of the snapshot store."""
        if self.snapshot_url is None:
            return self.data_dir / "snapshots"
        return Path(unquote(urlsplit(self.snapshot_url).path))

    @property
    def ingest_dir(self) -> Path:
        """Folder in which ingest remembers what it has read of each source."""
        return self.data_dir / "ingest"

    @property
    def leases(self) -> Path:
        """Folder in which readers mark the snapshots they hold."""
        return self.lease_dir or self.data_dir / "leases"

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the embedder's database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'movies.sqlite'}"

    def require_redis_url(self) -> str:
        """The Redis URL, for a process that cannot work without one.

        Raises:
            SettingsInvalid: none is set, or its password cannot be read.
        """
        url = self.read_redis_url()
        if url is None:
            raise SettingsInvalid(
                f"{PREFIX}REDIS_URL is not set: name a Redis server, or use `movie-search up`, "
                "which starts one"
            )
        return url

    def read_redis_url(self) -> str | None:
        """The Redis URL with the password of ``redis_password_file``; None when no URL is set.

        Raises:
            SettingsInvalid: the file cannot be read or is empty.
        """
        if self.redis_url is None or self.redis_password_file is None:
            return self.redis_url
        password = _read_secret(self.redis_password_file, "REDIS_PASSWORD_FILE")
        parts = urlsplit(self.redis_url)
        user_and_old, _, host = parts.netloc.rpartition("@")
        user = user_and_old.partition(":")[0]
        return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()

    def read_admin_token(self) -> bytes | None:
        """The admin token as bytes, from the file if one is named; None when the API is off.

        Raises:
            SettingsInvalid: the file cannot be read, or the token is too short or a well-known
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
        SettingsInvalid: it cannot be read, or holds nothing.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SettingsInvalid(f"{PREFIX}{name}: cannot read {path}: {error.strerror}") from error
    if not secret:
        raise SettingsInvalid(f"{PREFIX}{name}: {path} is empty")
    return secret


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsInvalid: with one line that names each offending variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            if item["loc"]
            else item["msg"]
            for item in error.errors()
        )
        raise SettingsInvalid(problems) from error
