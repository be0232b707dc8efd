"""The limits of the requests for posters, derived from those of the source that names them."""

from __future__ import annotations

from typing import Literal, Self

from services.ingest.sources.base_source import BaseSource, WebSource


class PosterSource(WebSource):
    """The hosts from which a source's posters are fetched, as if they were a site.

    Args:
        image_addresses: The hosts that may be visited: ``host`` or ``host:port``.
    """

    spider: Literal["posters"] = "posters"
    image_addresses: frozenset[str]

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that may be visited."""
        return self.image_addresses

    @classmethod
    def of(cls, source: BaseSource) -> Self:
        """The posters of a source; pace and limits are the source's, files have the defaults."""
        limits = {}
        if isinstance(source, WebSource):
            limits = source.model_dump(include={"allow_private", "delay_s", "max_bytes"})
        fields = {"name": source.name, "image_addresses": source.image_hosts, **limits}
        return cls.model_validate(fields)
