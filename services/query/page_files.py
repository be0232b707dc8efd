"""The page: a few static files, read once, so that no request's path ever reaches the disk."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "page"
MIN_GZIP_BYTES = 512

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page, plain and gzipped."""

    content: bytes
    zipped: bytes | None
    media_type: str
    etag: str

    def answer(self, request: Request) -> Response:
        """The file, or 304 when the client has it."""
        headers = {"ETag": self.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = self.content
        if self.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = self.zipped
        return Response(content, headers=headers, media_type=self.media_type)


def read_page(folder: Path = FOLDER) -> dict[str, PageFile]:
    """All files of the page, by name."""
    return {path.name: _read(path) for path in folder.iterdir() if path.suffix in _TYPES}


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    return PageFile(
        content=content,
        zipped=gzip.compress(content, mtime=0) if len(content) >= MIN_GZIP_BYTES else None,
        media_type=_TYPES[path.suffix],
        etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
    )
