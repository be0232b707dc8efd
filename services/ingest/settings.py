"""The settings of ingest: the demo site, crawls, and how far a crawl may run ahead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.settings import CommonSettings, SourcesSettings


class IngestSettings(CommonSettings, SourcesSettings):
    """One ingest process's configuration."""

    demo_site_host: Annotated[
        str, Field(description="Address on which ingest serves the bundled demo site.")
    ] = "127.0.0.1"
    demo_site_port: Annotated[
        int, Field(ge=0, le=65535, description="Port of the demo site; 0 takes a free one.")
    ] = 8100
    crawl_contact: Annotated[
        str | None,
        Field(
            description="URL or e-mail address that the crawler's User-Agent names as its "
            "operator. Unset: only private sites and files can be crawled."
        ),
    ] = None
    crawl_time_limit_s: Annotated[
        int, Field(ge=1, description="Time limit of one run; its crawl process is then stopped.")
    ] = 6 * 3600
    stream_high: Annotated[
        int, Field(ge=1, description="Length of the stream `reviews` at which a crawl pauses.")
    ] = 10_000
    stream_low: Annotated[
        int, Field(ge=0, description="Length at which a paused crawl continues.")
    ] = 5_000

    @model_validator(mode="after")
    def _levels(self) -> Self:
        if self.stream_low >= self.stream_high:
            raise ValueError("STREAM_LOW must be less than STREAM_HIGH")
        return self

    @property
    def ingest_dir(self) -> Path:
        """Folder in which ingest remembers what it has read of each source."""
        return self.data_dir / "ingest"
